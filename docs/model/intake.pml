/* The front: requests under ONE natural key become durable.  Claim, the lane of
   messages that carry an unclaimed event, variants (the same id, another body),
   held events and their release, expiry.  Leasing and settling are reduced to
   what matters here: ledger.pml has them whole.
   f is the budget of faults: a crash, a request lost, an answer lost, a message
   delivered twice, a refused send.  Knobs and bounds: README.md. */
#ifndef F
#define F 1
#endif
#ifndef REQ
#define REQ 2      /* requests, each with one of two bodies, trusted or not */
#endif
#ifndef OPS
#define OPS 0      /* release, discard, split */
#endif
#define NONE 0
#define HELD 1
#define PEND 2
#define PROC 3
#define DELIV 4    /* delivered, or unrouted: see README.md */
#define DISC 5
/* outcomes of a claim */
#define UNAVAIL 0
#define ACC 1
#define HELDNEW 2
#define DUP 3
#define VAR 4

byte st=NONE, fp=0, due=0, owner=0;       /* the item; owner 0 while processing: the holder is gone */
bit lexp=0, vr[3], vun[3], sp[3]; byte sst[3];   /* lease_until passed; variant of body b: stored, by a sender not trusted, split_as set; the event split off */
bit beside[3];                            /* the event of a trusted sender beside a split-off one that was discarded */
byte lf=0, lf2=0, inc=0, fh=0; bit ln=0, swp=0;   /* messages marked first: never received, received before; claim_nonce; ghost: first attempts alive; lease_number > 0; sweeps > 0 */
byte lev=0; byte lun[6], dun[6];          /* lane: messages, unclaimed of body b and trust t at [2b+t]; DLQ: unclaimed */
byte hold[3];                             /* unclaimed messages of body b in somebody's hands */
byte f=F, n=REQ, ops=OPS;
bit ack[3], tack[3], tr[3], oprel=0, seen=0, swok=0; byte eff=0, busy=0;    /* ghosts */
#if defined(TTL) || defined(TTLSHORT)
#define BUSY(x) x
#else
#define BUSY(x) skip
#endif
#if defined(TTL) || defined(TTLSHORT)
#define NEWCLAIM inc++
#else
#define NEWCLAIM skip
#endif
#define SETDUE(v) due=v; swok=0
#define MSG(b,t) (2*(b)+(t))
#define up(x) x=(x<1 -> x+1 : x)
#define finished(s) (s!=PEND && s!=PROC)

/* ledger.Claim: put, and for a receipt of an event that is there answer, repeat, keepVariant, takeOver.
   r: the outcome; old, over, nl: state, "due passed" and "never leased" of the record returned */
inline claim(b,t) {
    r=UNAVAIL;
C1: atomic { if                                                  /* put if absent: ledger.put; then answer, repeat */
#ifdef UPSERT                             /* mutant: no condition on the put */
    :: true ->
       if :: st!=NONE && fp==b -> st=PEND; SETDUE(1); r=DUP :: else ->
#else
    :: st==NONE ->
#endif
       fp=b; owner=0; lexp=0; ln=0; swp=0; NEWCLAIM;
       if :: t -> st=PEND; SETDUE(1); r=ACC
          :: !t ->
#ifdef HELDDUE                            /* mutant: held owes a message like any other */
             SETDUE(1);
#endif
             st=HELD; r=HELDNEW fi;
       old=st; over=0; nl=0;
#ifdef UPSERT
       fi;
#endif
       if :: goto C9 :: f>0 -> f--                               /* answer lost: the SDK retries, own nonce; the same result */
          :: f>0 -> f--; r=UNAVAIL                               /* ... or gives up: ambiguous */
       fi; goto C9
    :: f>0 -> f--; r=UNAVAIL; goto C9                            /* request lost for good */
#ifndef UPSERT
    :: st!=NONE -> old=st; over=(due==2); nl=!ln; r=(fp==b -> DUP : VAR);        /* repeat: classify */
       if
#ifdef RELANY                             /* mutant: whoever sends it takes the place of a held event */
       :: st==HELD -> goto C2
#elif defined(NORELEASE)                  /* mutant: a trusted receipt of what is held is only counted */
       :: st==HELD && fp==b -> goto C9
       :: st==HELD && fp!=b -> goto C3
#elif defined(NOSPLIT)                    /* mutant: a trusted body is a variant even of an event that is not trusted */
       :: st==HELD && t && fp==b -> goto C2
       :: st==HELD && fp!=b -> goto C3
       :: st==HELD && !t && fp==b -> goto C9
#else
       :: st==HELD && t -> goto C2
       :: st==HELD && !t && fp==b -> goto C9
       :: st==HELD && !t && fp!=b -> goto C3
#endif
#ifndef NOFORGED                          /* mutant: what was discarded untrusted stays the answer to a trusted sender */
       :: st==DISC && t -> r=VAR; goto C3
       :: st!=HELD && !(st==DISC && t) && fp==b -> goto C9
       :: st!=HELD && !(st==DISC && t) && fp!=b ->
#else
       :: st!=HELD && fp==b -> goto C9
       :: st!=HELD && fp!=b ->
#endif
#ifdef NOVARIANT                          /* mutant: another body counts as a duplicate */
          r=DUP; goto C9
#else
          goto C3
#endif
       fi
#endif
    fi }
C2: atomic { if                                                  /* takeOver: getItem of the variant with this body */
    :: sp[b] && sst[b]!=NONE -> r=VAR; goto C3                   /* an operator made an event of it: splitByRepeat */
    :: !(sp[b] && sst[b]!=NONE)
    :: f>0 -> f--; r=UNAVAIL; goto C9
    fi }
#ifndef NOKEEP                            /* mutant: what was held is not kept */
C2k: atomic { if                                                 /* takeOver: what is held, as it was read, stays as a variant */
    :: fp==b
    :: fp!=b && st==HELD -> if :: vr[3-b] :: !vr[3-b] -> vr[3-b]=1; vun[3-b]=1 fi;
       if :: skip :: f>0 -> f--; r=UNAVAIL; goto C9 fi
    :: fp!=b && st!=HELD                                         /* moved meanwhile: C2p finds it out */
    :: f>0 -> f--; r=UNAVAIL; goto C9
    fi }
#endif
C2p: atomic { if                                                 /* replaceHeld */
#ifdef RELBLIND                           /* mutant: no condition on the state */
    :: true -> assert(st==HELD);
#else
    :: st==HELD ->
#endif
#ifndef RELANYBODY                        /* mutant: the event goes to work with the body that was held */
       fp=b;
#endif
       st=PEND; owner=0; lexp=0; ln=0; swp=0; NEWCLAIM;
#ifdef RELNODUE                           /* mutant: what is taken over owes nothing, and nobody is told */
       SETDUE(0); old=DELIV; over=0; nl=0; r=DUP;
#else
       SETDUE(1); old=PEND; over=0; nl=0; r=ACC;
#endif
       if :: skip                                                /* also where the answer is lost, and the retry meets its own nonce */
          :: f>0 -> f--; r=UNAVAIL fi
#ifndef RELBLIND
    :: st!=HELD -> goto C2r                                      /* released, discarded or taken over meanwhile */
#endif
#ifdef RELSWALLOW                         /* mutant: a write that failed is still a duplicate */
    :: f>0 -> f--; r=DUP
#else
    :: f>0 -> f--; r=UNAVAIL
#endif
    fi; goto C9 }
C2r: atomic { if                                                 /* repeat classifies anew what the condition's failure shows */
#ifdef TRUSTOLD                           /* mutant: the record as it was before answers */
    :: r=DUP; goto C9
#else
    :: goto C1
#endif
    fi }
C3: atomic { if                                                  /* keepVariant: put if absent; ku, ks: the variant as it was met */
    :: if :: !vr[b] -> vr[b]=1; vun[b]=!t; ku=0; ks=0 :: vr[b] -> ku=vun[b]; ks=sp[b] fi;
       if :: skip :: f>0 -> f--; r=UNAVAIL; goto C9 fi
    :: f>0 -> f--; r=UNAVAIL; goto C9
    fi }
C3t: atomic { if                                                 /* trustVariant */
#ifndef NOTRUST                           /* mutant: the mark of a variant stays when a trusted sender sends it */
    :: t && ku -> vun[b]=0; if :: skip :: f>0 -> f--; r=UNAVAIL; goto C9 fi
    :: t && ku && f>0 -> f--; r=UNAVAIL; goto C9
    :: !(t && ku)
#else
    :: true
#endif
    fi }
C3h: atomic {                                                    /* variant: splitIsHeld reads what was split off */
#ifdef NOSPLIT
    goto C9
#else
    if :: r==VAR && t && (old==HELD
#ifndef NOFORGED
          || old==DISC
#endif
          || ((ku || ks) && (sst[b]==HELD
#ifndef NOBESIDE                          /* mutant: what was split off and discarded untrusted answers a trusted sender */
             || sst[b]==DISC
#endif
             ))
          )
       :: f>0 && t && (ku || ks) -> f--; r=UNAVAIL; goto C9
       :: else -> goto C9 fi
#endif
    }
C4: atomic { if                                                  /* splitTrusted: getItem */
    :: sp[b] -> r=DUP; goto C6
    :: !sp[b] -> r=ACC; ku=vun[b]
    :: f>0 -> f--; r=UNAVAIL; goto C9
    fi }
C4p: atomic { if                                                 /* split: put if absent (splitItem) */
    :: sst[b]==NONE -> sst[b]=(ku -> HELD : PEND); assert(ku || tr[b])
    :: sst[b]!=NONE
    :: f>0 -> f--; r=UNAVAIL; goto C9
    fi }
C5: atomic { if :: sp[b]=1 :: f>0 -> f--; r=UNAVAIL; goto C9 fi }    /* split: split_as */
C6: atomic { if                                                  /* split: releaseSplit; splitTrusted: getItem */
#ifndef NORELSPLIT                           /* mutant: what is split off stays held */
    :: sst[b]==HELD -> sst[b]=PEND; assert(tr[b]); if :: skip :: f>0 -> f--; r=UNAVAIL fi
#ifndef NOBESIDE
    :: sst[b]==DISC -> goto C7                                   /* given up: before, or between its two steps */
    :: sst[b]!=HELD && sst[b]!=DISC
#else
    :: sst[b]!=HELD
#endif
#else
    :: true
#endif
    :: f>0 -> f--; r=UNAVAIL
    fi;
    goto C8 }
C7: atomic { if                                                  /* repeat of the one that was given up: keepVariant and splitTrusted beside it */
    :: true -> r=(beside[b] -> DUP : ACC); beside[b]=1; assert(tr[b]); if :: skip :: f>0 -> f--; r=UNAVAIL fi
    :: f>0 -> f--; r=UNAVAIL
    fi }
C8: atomic {
    if :: r!=UNAVAIL -> old=DELIV; over=0; nl=0; if :: r==ACC -> r=VAR :: else fi :: else fi }    /* its own message and states: ledger.pml */
C9: skip
}

/* receive.Service.Receive: one request after the other, REQ in all, by two receivers */
proctype Receiver() { byte b=0, r=0, old=0; bit t=0, over=0, ku=0, ks=0, nl=0;
end: do
  :: atomic { n>0 -> n--; BUSY(busy++);
       if :: b=1
#ifndef ONEBODY
          :: b=2
#endif
       fi;
       if :: t=1
#ifndef ALLTRUSTED
          :: t=0
#endif
       fi;
       if :: t -> tr[b]=1 :: else fi };                          /* a trusted sender did send this body */
     if :: true :: atomic { f>0 -> f--; goto next } fi;          /* crash before */
#ifdef VARIANTLATE                        /* mutant: answers before the variant is stored */
     atomic { if :: st!=NONE && fp!=b -> ack[b]=1; if :: t -> tack[b]=1 :: else fi :: else fi };
#endif
     claim(b,t);
R2:  atomic { if                                                 /* enqueue */
       :: r==UNAVAIL ->
          if
#ifdef UNCLTRUST                          /* mutant: the unclaimed message forgets that it is not trusted */
          :: up(lun[MSG(b,1)])
#else
          :: up(lun[MSG(b,t)])
#endif
          :: f>0 -> f--;                                         /* refused: 503 */
#ifdef ACKREFUSED                         /* mutant: acknowledged although refused */
             skip
#else
             goto next
#endif
          :: f>0 -> f--; up(lun[MSG(b,t)]); goto next            /* sent, answer lost: 503 */
          fi
#ifdef FIRSTHELD                          /* mutant: a held event has a first message, too, and the worker asks for no state */
       :: r==ACC || r==HELDNEW ->
#else
       :: r==ACC ->                                              /* owesMessage: of a new event the first message */
#endif
          if :: up(lf) :: f>0 -> f-- :: f>0 -> f--; up(lf); goto next :: f>0 -> f--; goto next fi
       :: r!=UNAVAIL && r!=ACC && !finished(old) && over ->      /* owesMessage: of one that is overdue */
          if :: up(lev) :: f>0 -> f-- :: f>0 -> f--; goto next fi
       :: else
       fi;
       ack[b]=1; if :: t -> tack[b]=1 :: else fi }               /* 200 */
next: atomic { BUSY(busy--); b=0; r=0; old=0; t=0; over=0; ku=0; ks=0; nl=0 }
  od }

/* process.Service.Process */
proctype Worker(byte me) { byte b=0, r=0, old=0, fm=0, cn=0, bd=0; bit t=0, over=0, ku=0, ks=0, nl=0, fa=0;
end: do
  :: atomic { if :: lev>0 -> lev--
     :: lf>0 -> lf--; fm=1; if :: true :: f>0 -> f--; up(lf2) fi /* or visible again under a live worker */
     :: lf2>0 -> lf2--; fm=2
     #define T(x,y) :: lun[MSG(x,y)]>0 -> lun[MSG(x,y)]--; b=x; t=y; hold[x]++
       T(1,0) T(1,1) T(2,0) T(2,1)
     fi };
     if
     :: b==0
     :: b!=0 ->                                                  /* resolve */
#ifdef WORKERACK                          /* mutant: done with before it is claimed */
        atomic { hold[b]-- };
#endif
        claim(b,t);
W1:     atomic { if
          :: r==UNAVAIL -> goto giveback
          :: r!=UNAVAIL && (r==HELDNEW || finished(old)) -> goto drop
          :: r!=UNAVAIL && r!=ACC && r!=HELDNEW && old==PEND && nl && !over -> goto drop   /* awaitsFirst */
          :: else
        fi }
     fi;
W0:  atomic { if                                                 /* ledger.FirstAttempt: a consistent read */
#ifdef FIRSTHELD
       :: fm==1 && !ln -> fa=1; cn=inc; bd=fp; fh++; goto W3
#else
       :: fm==1 && st==PEND && !ln && !swp && due==1 -> fa=1; cn=inc; bd=fp; fh++; goto W3
#endif
       :: !(fm==1 && st==PEND && !ln && !swp && due==1)
       :: f>0 && fm==1 -> f--; goto giveback
       fi };
W2:  atomic { if                                                 /* ledger.Lease */
       :: (st==PEND || (st==PROC && lexp)) -> st=PROC; owner=me+1; lexp=0; ln=1; swp=0; bd=fp; SETDUE(1);
          if :: true :: f>0 -> f--; owner=0; goto giveback fi
#ifdef HELDLEASE                          /* mutant: held is leased like pending */
       :: st==HELD -> st=PROC; owner=me+1; lexp=0; ln=1; bd=fp; SETDUE(1)
#endif
       :: !(st==PEND || (st==PROC && lexp)) -> goto drop
       :: f>0 -> f--; goto giveback
       fi };
W3:  /* process.Service.deliver */
     atomic { assert(tr[bd] || oprel);                           /* I1: nothing untrusted goes out */
       if :: seen :: else -> seen=1; eff++; assert(eff<=1) fi;   /* I2: one effect; the destination dedupes by the event id */
       if :: true :: f>0 -> f--; if :: !fa && owner==me+1 -> owner=0 :: else fi; goto giveback fi };
W4:  atomic { if                                                 /* ledger.Settle */
       :: !fa && st==PROC && owner==me+1 -> owner=0; st=DELIV; SETDUE(0)
       :: fa && st==PEND && !ln && inc==cn -> assert(fp==bd); ln=1; st=DELIV; SETDUE(0)
       :: !(!fa && st==PROC && owner==me+1) && !(fa && st==PEND && !ln && inc==cn)
       :: f>0 -> f--; if :: owner==me+1 -> owner=0 :: else fi; goto giveback
       fi };
drop: atomic { if :: f>0 && b!=0 -> f--; up(lun[MSG(b,t)]) :: true fi;    /* done with; or the delete is lost, and it comes again */
#ifndef WORKERACK
       if :: b!=0 -> hold[b]-- :: else fi;
#endif
       goto fin };
giveback: atomic { if :: b==0 && fm==0 -> up(lev)
       :: b==0 && fm!=0 -> up(lf2)
#ifdef WORKERACK
       :: else
#else
       :: b!=0 -> up(lun[MSG(b,t)]); hold[b]--
#ifdef SQSDLQ
       :: b!=0 -> up(dun[MSG(b,t)]); hold[b]--                   /* receives used up */
#endif
#endif
       fi };
fin: atomic { if :: fa -> fh-- :: else fi; fa=0; fm=0; cn=0; bd=0; b=0; r=0; old=0; t=0; over=0; ku=0; ks=0; nl=0 }
  od }

#ifdef SQSDLQ
/* redrive.DeadLetterCleaner.claim */
proctype Cleaner() { byte b=0, r=0, old=0; bit t=0, over=0, ku=0, ks=0, nl=0;
end: do
  :: atomic { if
     #define D(x,y) :: dun[MSG(x,y)]>0 -> b=x; t=y
       D(1,0) D(1,1) D(2,0) D(2,1)
     fi;
#ifdef JANDELFIRST                        /* mutant: deletes, then claims */
       dun[MSG(b,t)]--
#endif
     };
     claim(b,t);
J2:  atomic { if :: r==UNAVAIL -> goto fin
          :: r==ACC -> if :: up(lev) :: f>0 -> f-- fi
          :: r!=UNAVAIL && r!=ACC fi };
#ifndef JANDELFIRST
J3:  atomic { if :: dun[MSG(b,t)]>0 -> dun[MSG(b,t)]-- :: dun[MSG(b,t)]==0 :: f>0 -> f-- fi };
#endif
fin: atomic { b=0; r=0; old=0; t=0; over=0; ku=0; ks=0; nl=0 }
  od }
#endif

proctype Timer() { end: do
  :: atomic { st==PROC && !lexp && owner==0 -> lexp=1 }
  :: atomic { st==PROC && !lexp && owner!=0 && f>0 -> f--; lexp=1 }
#ifdef LIVE
  :: atomic { !(st==PROC && !lexp) && fh==0 && due==1 -> due=2 }
#else
  :: atomic { due==1 && fh==0 -> due=2 }
#endif
  :: atomic { due==1 && fh>0 && f>0 -> f--; due=2 }              /* a first attempt ends before due_at, or that is a fault */
  od }
/* sweep.Service.sendDue, ledger.Swept */
proctype Sweeper() { byte ss=0;
end: do :: atomic { due==2 -> ss=st; swok=1 };
     atomic { if :: up(lev) :: f>0 -> f--; goto next fi };
     atomic { if :: swok && due==2 && st==ss -> SETDUE(1); swp=!ln :: !(swok && due==2 && st==ss) fi };
next: atomic { ss=0; swok=0 }
  od }
#if OPS>0
/* operator.Service.release, discard, Split */
proctype Operator() { byte x=0; bit su=0, ss=0; end: do
  :: atomic { ops>0 && st==HELD -> ops--; st=PEND; SETDUE(1); oprel=1 }     /* ledger.Release */
#ifdef DISCARD
  :: atomic { ops>0 && st==HELD -> ops--; st=DISC; SETDUE(0) }             /* ledger.Discard */
  :: atomic { ops>0 && sst[1]==HELD -> ops--; sst[1]=DISC }                /* ledger.Discard of what was split off */
  :: atomic { ops>0 && sst[2]==HELD -> ops--; sst[2]=DISC }
#endif
  :: atomic { ops>0 && (vr[1] || vr[2]) -> ops--; if :: vr[1] -> x=1 :: vr[2] -> x=2 fi; su=vun[x]; ss=sp[x] };    /* ledger.Split: getItem */
     atomic { if :: ss :: !ss && sst[x]==NONE -> sst[x]=(su -> HELD : PEND) :: !ss && sst[x]!=NONE fi };             /* put if absent */
     atomic { if :: ss :: !ss -> sp[x]=1; su=vun[x] fi };                                                        /* split_as; the variant as it then stands */
#ifndef NOFREE                            /* mutant: a split does not look whether the variant is trusted meanwhile */
     atomic { if :: !su && sst[x]==HELD -> sst[x]=PEND :: else fi };                                               /* releaseSplit */
#endif
     atomic { x=0; su=0; ss=0 }
  od }
#endif
#if defined(TTL) || defined(TTLSHORT)
/* the item expires after delivery, and the destination forgets the id */
#define NOCOPY (lun[2]==0&&lun[3]==0&&lun[4]==0&&lun[5]==0&&dun[2]==0&&dun[3]==0&&dun[4]==0&&dun[5]==0&&hold[1]==0&&hold[2]==0&&lev==0&&lf==0&&lf2==0)
#ifdef TTL                                /* longer than any message lives and than the provider resends: nobody claims it any more */
#define MAYEXPIRE (n==0 && NOCOPY && busy==0)
#else                                     /* mutant: shorter */
#define MAYEXPIRE (true)
#endif
proctype Expire() { end: atomic { st==DELIV && MAYEXPIRE -> st=NONE; fp=0; seen=0; due=0 } }
#endif
#ifndef NOMON
#define COPY(x) (lun[2*x]>0 || lun[2*x+1]>0 || dun[2*x]>0 || dun[2*x+1]>0 || hold[x]>0)
#if defined(TTL) || defined(TTLSHORT)
#define DUR(x) (true)
#else
#define DUR(x) ((st!=NONE && fp==x) || vr[x] || COPY(x))
#endif
/* I3: what was acknowledged is durable: the event, a variant, or a message that carries it */
proctype Mon() { end: atomic { ((ack[1] && !DUR(1)) || (ack[2] && !DUR(2))) -> assert(false) } }
#endif
init { atomic {
  run Receiver(); run Receiver(); run Worker(0);
#ifndef ONEWORKER
  run Worker(1);
#endif
  run Timer();
#ifndef NOSWEEPER                         /* mutant */
  run Sweeper();
#endif
#if defined(SQSDLQ) && !defined(NOCLEANER) /* mutant: nobody claims what is unclaimed in the DLQ */
  run Cleaner();
#endif
#if OPS>0
  run Operator();
#endif
#if defined(TTL) || defined(TTLSHORT)
  run Expire();
#endif
#ifndef NOMON
  run Mon();
#endif
} }
#define ENDED(x) ((fp==x && (st==DELIV || st==HELD || st==DISC)) || vr[x])
/* delivered, an event of its own on its way, or a variant beside an event that is trusted itself */
#define OUT(x) ((fp==x && st==DELIV) || sst[x]==PEND || beside[x] || (vr[x] && sst[x]!=HELD && fp!=x && st==DELIV && (tr[fp] || oprel)))
#ifdef L1   /* acknowledged => delivered, held, discarded or kept as a variant */
ltl l1 { [] (ack[1] -> <> ENDED(1)) }
#endif
#ifdef L2   /* acknowledged to a trusted sender => what nobody trusts does not stand in its way */
ltl l2 { [] (tack[1] -> <> OUT(1)) }
#endif
