/* The core: ONE event that is claimed, leased, delivered, settled, dies, is
   swept, redriven, moved by the console, parked and replayed.  One call of a
   store, queue or destination is one atomic step; between two of them anybody
   else may act.  Each transition names the Go function that makes it.

   f is the budget of faults that all share: a crash, a request lost, an answer
   lost, a message delivered twice, a lease that ends under a live holder.
   Knobs and bounds: README.md.  A knob that drops a rule is marked "mutant". */
#ifndef F
#define F 1
#endif
#ifndef CAP
#define CAP 1      /* attempts of one destination since the last revival (MaxAttempts) */
#endif
#ifndef LCAP
#define LCAP 1     /* leases since the last revival that may be abandoned (MaxAbandoned) */
#endif
#ifndef LEASED     /* variation: every attempt takes a lease first, and a lease always moves due_at */
#define FIRST      /* as built: the first attempt without a lease */
#if !defined(FDUEONLY) && !defined(FNODUE)
#define FDUE       /* ... of an event that no sweep has sent and whose due_at lies behind the invocation */
#endif
#define KEEPDUE    /* a lease keeps a due_at that lies far enough ahead */
#ifndef SLACK
#define SLACK 1    /* attempts since the last revival beyond CAP+LCAP (asserted): an abandoned first attempt that the sweeper's message finds is not counted */
#endif
#endif
#ifndef SLACK
#define SLACK 0
#endif
#ifdef L4
#define TICK       /* else a stranded event is not seen: see Tick */
#endif
#ifndef FQ
#define FQ 2       /* copies of the first message that were never received */
#endif
#ifndef NM
#define NM 8       /* highest lease number + 1 (asserted) */
#endif
#ifndef QMAX
#define QMAX 1     /* copies of one message in one place */
#endif
#ifndef WAITS
#define WAITS 0    /* how often a destination may not be sent anything although it is time: paused, its breaker open, its limit reached */
#endif
#ifndef CON
#define CON 0      /* moves by the console's redrive */
#endif
#ifndef RED
#define RED 0      /* revivals by the redrive or by replay of a dead event */
#endif
#ifndef PRK
#define PRK 0      /* park, unpark, discard */
#endif
#ifndef REP
#define REP 0      /* replays of a delivered event */
#endif
#define NONE 0
#define PEND 1
#define PROC 2
#define DELIV 3    /* delivered, or unrouted: see README.md */
#define DEAD 4
#define PARK 5
#define DISC 6
#define NOMSG 15
#define OPEN 0     /* progress of one destination: still wanted, settled, failed for good */
#define OK 1
#define PERM 2

/* the item */
byte st=NONE, ln=0, dn=0, lost=0, due=0;  /* state, lease_number, death, abandoned, due_at (0 none, 1 to come, 2 passed) */
byte res[2], at[2];                       /* destinations: result, attempts */
bit wait=0, lexp=0; byte key=0, gen=0;    /* not_before to come; lease_until passed; effect_key; generation */
byte owner=0;                             /* lease_nonce while its holder lives; 0: the holder is gone */
bit nonce=0;                              /* lease_nonce is that of lease ln (markDeadAbandoned removes it) */
byte mover=0;                             /* move_nonce: who made the latest move */
/* queues: [0] a message without a number, [k] the dead letter of death k */
byte dq[NM], lv[NM]; byte hand[2];
byte eff[2*(REP+1)];                      /* effects per destination and idempotency key */
bit seen[2*(REP+1)];                      /* what the destination dedupes by */
byte f=F;
/* ghosts */
byte wt=0;                                   /* waits of a destination that wants the event */
byte ll=0; bit down=1, swok[2], acked=0, healthy=0, req=0, pay=0; byte nrev=0, nreq=0, settled_by=0; bit got[2];

/* FIRST: the first attempt without a lease */
byte fv1=0, fv2=0, fd=0;                  /* messages marked first: receive count 0 (the next receipt is 1), more; in the DLQ */
byte fset=0;                              /* lease_nonce is that of a first attempt's settlement: by worker fset-1 */
byte fh=0;                                /* ghost: first attempts alive */
byte nd=0;                                /* ghost: copies of the first message with a receive count of their own */
byte inc=0;                               /* claim_nonce */
bit fsd=0;                                /* ghost: a first attempt has settled */
bit swpt=0;                               /* sweeps > 0 */
#define putf(q,n) q = (q<n -> q+1 : q)
bit mine[2];                              /* due_at is the one that this worker wrote */
#ifdef LOOK                               /* the index due shows no new event before a look has listed it */
bit lst=0, lok=0, passed=0;               /* listed; due_at is the one that the look read; the looks have passed the event */
#ifdef UNLISTED                           /* mutant: a later due_at is not listed either */
#define LIST(v)
#else
#define LIST(v) ; lst=v
#endif
#define SETDUE(v) due=v; swok[0]=0; swok[1]=0; mine[0]=0; mine[1]=0; lok=0 LIST(1)
#define CLAIMDUE due=1; lst=0; lok=0
#define LEASELIST ; lst=1                 /* ledger.update.listDue */
#define SEEN(d) (d && lst)
#else
#define SETDUE(v) due=v; swok[0]=0; swok[1]=0; mine[0]=0; mine[1]=0
#define CLAIMDUE SETDUE(1)
#define LEASELIST
#define SEEN(d) (d)
#endif
#ifdef CNTREV
#define CNT(x) x
#else
#define CNT(x) skip
#endif
#define putl(q) lv[q] = (lv[q]<QMAX -> lv[q]+1 : lv[q])
#define putd(q) dq[q] = (dq[q]<QMAX -> dq[q]+1 : dq[q])
/* the message comes back, or with SQSDLQ its receives are used up */
inline back(m) {
  if :: putl(m)
#ifdef SQSDLQ
     :: putd(m)
#endif
  fi }
/* ledger.newBudget: a new budget for what is not settled, never a new number */
inline newlife() { lost=0; ll=0;
#ifdef FORGETSUCCESS                      /* mutant: a revival opens every destination */
  res[0]=OPEN; at[0]=0; res[1]=OPEN; at[1]=0;
#else
  if :: res[0]!=OK -> res[0]=OPEN; at[0]=0 :: else fi;
  if :: res[1]!=OK -> res[1]=OPEN; at[1]=0 :: else fi;
#endif
#ifdef ONEDEST
  res[1]=OK;
#endif
#ifdef RESTARTNUM                         /* mutant: the number restarts with a revival */
  ln=0;
#endif
}
inline sink(d,kk) {
#ifdef NODEDUPE                           /* mutant: the destination applies whatever comes */
  eff[d*(REP+1)+kk]++;
#else
  if :: seen[d*(REP+1)+kk] :: else -> seen[d*(REP+1)+kk]=1; eff[d*(REP+1)+kk]++ fi;
#endif
  assert(eff[d*(REP+1)+kk]<=1)                                          /* S1 */
}

/* receive.Service.claimOne, repeated, enqueue; ledger.Claim, Repeat.  The rest of the front is in intake.pml. */
#ifdef EXPIRE
#define NEWCLAIM inc++
#else
#define NEWCLAIM skip
#endif
#ifdef FIRST
#define SENDNEW if :: fresh -> putf(fv1,FQ) :: else -> putl(0) fi
#else
#define SENDNEW putl(0)
#endif
proctype Receiver() {
  bit fresh=0, me=0;
R1: atomic { if
    :: true -> if :: st==NONE -> st=PEND; CLAIMDUE; NEWCLAIM; fresh=1
                  :: else -> if :: me -> fresh=1 :: else fi fi
    :: f>0 -> f--; goto gone                                   /* 503, or crash before */
    :: (f>0 && st==NONE) -> f--; st=PEND; CLAIMDUE; NEWCLAIM; me=1; goto R1   /* answer lost, the SDK retries */
    :: (f>0 && st==NONE) -> f--; st=PEND; CLAIMDUE; NEWCLAIM; goto gone       /* crash after */
    fi }
    atomic { if
    :: fresh || ((st==PEND||st==PROC) && due==2) ->            /* owesMessage */
         if :: SENDNEW; pay=1 :: f>0 -> f--
            :: f>0 -> f--; SENDNEW; goto gone
#ifdef FIRST
            :: f>0 -> f--; SENDNEW; SENDNEW; nd=nd+fresh                     /* answer lost, the SDK sends again */
#endif
            :: f>0 -> f--; goto gone fi
    :: else fi;
    acked=1 }
gone: skip
}

#ifdef IGNORE_NB                          /* mutant: leases early */
#define NB true
#else
#define NB (!wait)
#endif
#if defined(NODN)                         /* mutant: any dead letter revives */
#define LETTER(m) (m>0)
#elif defined(NODN_ANY)                   /* mutant: any message revives */
#define LETTER(m) (true)
#elif defined(NOLETTER)                   /* vacuity: the console's redrive is ignored */
#define LETTER(m) (false)
#else
#define LETTER(m) (m>0 && m==dn)
#endif
#ifdef PARKLEASE                          /* mutant: death checked, state not */
#define DEADST (st==DEAD||st==PARK||st==DISC)
#else
#define DEADST (st==DEAD)
#endif
#ifdef NOLCAP                             /* mutant: no cap on abandoned leases */
#define LOSTOK (true)
#else
#define LOSTOK (lost<LCAP)
#endif
#if defined(NOFENCE) || defined(OWNERFENCE) /* mutants: processing alone; an owner id that all workers share */
#define FENCE (st==PROC)
#elif defined(LNFENCE) || defined(TRUSTPROC) /* variation: the number alone; mutant: the nonce is the one just read */
#define FENCE (st==PROC && ln==k)
#else
#define FENCE (st==PROC && ln==k && owner==me+1)
#endif
#define DIEKEEP f--; if :: owner==me+1 -> owner=0 :: else fi; goto fin
#define DIEBACK f--; if :: owner==me+1 -> owner=0 :: else fi; goto giveback

#if defined(FCNTALL)                      /* variation: whichever message leases a never-leased event counts an abandoned attempt */
#define FCOUNT (true)
#elif defined(FCNTLATE)                   /* variation: every message but a first one received once */
#define FCOUNT (fm!=1)
#elif defined(FNOCNT)                     /* mutant: an abandoned first attempt is not counted */
#define FCOUNT (false)
#else
#define FCOUNT (fm==2)
#endif
#if defined(KEEPNONE)                     /* mutant: a lease never touches due_at */
#define LEASEDUE skip
#elif defined(KEEPPAST)                   /* variation: it keeps a due_at that has passed, too */
#define LEASEDUE if :: due!=0 -> skip :: SETDUE(1) fi
#elif defined(KEEPDUE)                    /* a due_at that lies far enough ahead stays */
#define LEASEDUE if :: due==1 -> skip LEASELIST :: SETDUE(1) fi
#else
#define LEASEDUE SETDUE(1)
#endif
#if defined(FNOLN)                        /* mutant: the settlement of a first attempt does not ask for lease number 0 */
#define FF_LN (true)
#else
#define FF_LN (ln==k-1)
#endif
#if defined(FNOCN)                        /* mutant: ... nor for the claim nonce read */
#define FF_CN (true)
#else
#define FF_CN (inc==cn)
#endif
#if defined(FNOST)                        /* variation: ... nor for pending */
#define FF_ST (st!=NONE)
#elif defined(FNOSTX)                     /* mutant: ... nor that the item exists */
#define FF_ST (true)
#else
#define FF_ST (st==PEND)
#endif
#define FFENCE (FF_ST && FF_LN && FF_CN)
#ifdef FNONB                              /* variation: not_before is not looked at */
#define FR_NB (true)
#else
#define FR_NB (!wait)
#endif
#ifdef FANYLN                             /* mutant: whatever the lease number */
#define FR_LN (true)
#else
#define FR_LN (ln==0)
#endif
#if defined(FDUE)                         /* due_at lies beyond this invocation and was never moved by the sweeper */
#define FR_DUE (due==1 && !swpt)
#elif defined(FDUEONLY)                   /* variation: due_at alone */
#define FR_DUE (due==1)
#else
#define FR_DUE (true)
#endif
#define FREAD (st==PEND && FR_LN && FR_NB && FR_DUE)
#if defined(FSWEPT)                       /* mutant: any message without a number */
#define FMSG (m==0)
#elif defined(FRC2)                       /* mutant: a first message, however often received */
#define FMSG (fm!=0)
#else
#define FMSG (fm==1)
#endif
#define FOKA (a==1)
#ifdef WAITDIES                           /* mutant: who only waited may no longer be tried */
#define WAITED(o) (false)
#else
#define WAITED(o) (o==4)
#endif
#ifdef ONEDEST
#define FOKB (true)
#define FRTB (false)
#else
#define FOKB (b==1)
#define FRTB ((b==2 && 1<CAP) || WAITED(b))
#endif
#define FALLOK (FOKA && FOKB)
#define FRETRY ((a==2 && 1<CAP) || WAITED(a) || FRTB)
#if defined(FRECNUM)                      /* mutant: a settlement recognises itself by state and number */
#define FREC (ln==k && st==sn)
#elif defined(FNOREC)                     /* variation: it does not recognise itself */
#define FREC (false)
#else
#define FREC (ln==k && nonce && fset==me+1 && st==sn)
#endif
#ifdef FIRST                              /* one more for each copy of the first message */
#define BUDGET (CAP+(LCAP>0 -> LCAP : 1)+nd+SLACK+WAITS)
#else
#define BUDGET (CAP+LCAP+SLACK+WAITS)
#endif
inline dolease(from) {                    /* ledger.leaseUpdate */
  assert(st==PEND || (st==PROC && lexp) || (st==DEAD && m>0 && m==dn));          /* S3: no lease without its cause */
  if :: from==DEAD -> newlife(); CNT(nrev++; assert(nrev<=nreq))
     :: from==PROC -> if :: lost<255 -> lost++ :: else fi
     :: else fi;
#ifdef FIRST
  if :: from==PEND && ln==0 && FCOUNT && lost<255 -> lost++ :: else fi;          /* the first attempt was abandoned */
#endif
  ln++; assert(ln<NM);
  st=PROC; owner=me+1; nonce=1; lexp=0; wait=0; fset=0; LEASEDUE;
  k=ln; kk=key; ll++; assert(ll<=BUDGET)                                       /* S4: the budget */
}
/* ledger.update.dead */
inline dead(n) { st=DEAD; dn=n; SETDUE(1); mine[me]=1; lost=0; ll=0; lexp=0 }
#if !defined(X_NOSTATE)
#define X_ST(s) (st==s)
#else                                     /* mutant: the second write of a lease checks no state */
#define X_ST(s) (true)
#endif
#if defined(X_NONUM)                      /* mutant: ... not the number seen */
#define X_EXP (X_ST(PROC) && lexp)
#elif defined(X_NOUNTIL)                  /* variation: ... not lease_until, which the number implies */
#define X_EXP (X_ST(PROC) && ln==sn)
#elif defined(X_BLIND)                    /* mutant: ... neither */
#define X_EXP (X_ST(PROC))
#else
#define X_EXP (X_ST(PROC) && ln==sn && lexp)
#endif
#ifdef PARKLEASE
#define X_LET (DEADST && dn==sn)
#elif defined(X_NODEATH)                        /* mutant: ... not the death seen */
#define X_LET (X_ST(DEAD))
#else
#define X_LET (X_ST(DEAD) && dn==sn)
#endif

#define TRY(d) (res[d]!=OK && res[d]!=PERM && at[d]<CAP)                           /* process.Service.open */
#ifdef OPENPERM                           /* mutant: what failed for good is tried again */
#undef TRY
#define TRY(d) (res[d]!=OK && at[d]<CAP)
#endif
/* one delivery: process.Service.deliver, hand; o is the outcome: 0 not tried, 1 delivered, 2 retry, 3 permanent */
#ifdef OUTAGE                             /* down until the first back-off has passed */
#define MAYFAIL (down)
#define MAYSUCCEED (!down && BODY)
#else                                     /* an unhealthy one fails at no cost */
#define MAYFAIL (!healthy)
#define MAYSUCCEED (BODY)
#endif
#ifdef NOPAYLOAD                          /* mutant: only the receiver's message carries the payload */
#define BODY (pl)
#else
#define BODY (true)
#endif
inline attempt(d,o) {
  if
  :: !fp && !TRY(d) -> o=0
  :: fp || TRY(d) -> assert(fp || owner!=me+1 || ln!=k || (!got[d] && res[d]!=PERM));           /* S6: settled or failed for good: left alone */
     if
#ifdef POISON                             /* it kills whoever touches it */
     :: if :: owner==me+1 -> owner=0 :: else fi; goto giveback
#else
     :: wt<WAITS -> wt++; o=4                                     /* not its turn: nothing is sent */
     :: MAYFAIL || !BODY -> o=2
#ifdef PERMANENT
     :: MAYFAIL -> o=3
#endif
     :: MAYSUCCEED -> sink(d,kk); o=1
     :: BODY && f>0 -> f--; sink(d,kk); o=2                      /* applied, answer lost */
     :: f>0 -> f--; o=2                                          /* fails */
#ifdef PERMANENT
     :: f>0 -> f--; o=3
#endif
     :: BODY && f>0 -> sink(d,kk); DIEBACK
#endif
     fi
  fi }
inline note(d,o) { if :: o==0 || o==4 :: o==1 -> res[d]=OK; got[d]=1; at[d]++ :: o==2 -> at[d]++ :: o==3 -> res[d]=PERM; at[d]++ fi;
  assert(at[d]<=CAP) }
/* process.Service.decide */
#define NEXTOK(d,o) (res[d]==OK || o==1)
#define NEXTRETRY(d,o) (!NEXTOK(d,o) && res[d]!=PERM && o!=3 && (o!=4 || WAITED(4)) && at[d]+(o!=0 && o!=4)<CAP)
#define ALLOK (NEXTOK(0,a) && NEXTOK(1,b))
#ifdef PERMKILLS                          /* mutant: one permanent failure ends the event for every destination */
#define RETRY ((NEXTRETRY(0,a) || NEXTRETRY(1,b)) && res[0]!=PERM && res[1]!=PERM && a!=3 && b!=3)
#else
#define RETRY (NEXTRETRY(0,a) || NEXTRETRY(1,b))
#endif

/* process.Service.Process */
proctype Worker(byte me) {
  byte m=NOMSG, k=0, kk=0, a=0, b=0, act=0, sn=0, fm=0, cn=0; bit r=0, pl=0, fp=0;
idle:
end: atomic {
    if
#define T(j) :: lv[j]>0 -> m=j; lv[j]--
    T(0) T(1) T(2) T(3) T(4) T(5)
#if NM>6
    T(6) T(7)
#endif
#if NM>8
    T(8) T(9)
#endif
#if NM>10
    T(10) T(11)
#endif
#ifdef FIRST
    :: fv1>0 -> fv1--; m=0; fm=1
    :: fv2>0 -> fv2--; m=0; fm=2
#endif
    fi;
#ifdef NOPAYLOAD
    if :: m==0 -> pl=pay; pay=0 :: else fi;
#endif
#ifndef NOCANON
    m=(m>0 && m!=dn -> 0 : m);                                  /* a stale dead letter acts like a message without a number */
#endif
    hand[me]=m;
    if :: true
       :: f>0 && fm==0 -> f--; putl(m)                          /* at least once: delivered twice */
#ifdef FIRST
       :: f>0 && fm==1 -> f--; putf(fv1,FQ); nd++                     /* a copy: each with receive count 1 */
       :: f>0 && fm!=0 -> f--; putf(fv2,QMAX)                   /* visible again under a live worker */
#endif
    fi;
#ifdef FIRST
    if :: FMSG -> goto W0 :: else -> goto W1 fi
#endif
    }
#ifdef FIRST
W0: atomic { if                                                 /* a consistent read */
    :: FREAD -> fp=1; cn=inc; k=ln+1; kk=key; fh++; ll++; assert(ll<=BUDGET); goto W2
    :: !FREAD -> goto W1
    :: f>0 -> DIEBACK
    fi }
#endif
/* ledger.Lease: leasePending, then leaseOther on the item that refused it */
W1: atomic {
    if
    :: st==PEND && NB -> dolease(PEND);                         /* ledger.leasePending */
       if :: goto W2
          :: f>0 -> f--; r=1; goto W1                           /* answer lost, the SDK retries */
          :: f>0 -> DIEBACK fi                                  /* crash after */
    :: st==PROC && owner==me+1 && r -> r=0; goto W2             /* leaseOther: its own nonce */
#ifdef TRUSTPROC                          /* mutant: a retry takes "processing" for its own lease */
    :: st==PROC && !lexp && r -> k=ln; kk=key; r=0; goto W2
#endif
    :: st==PROC && lexp && LOSTOK && !(owner==me+1 && r) -> act=1; sn=ln; goto W1x
    :: st==PROC && lexp && !LOSTOK && !(owner==me+1 && r) -> act=2; sn=ln; goto W1x
    :: DEADST && LETTER(m) -> act=3; sn=dn; goto W1x
    :: (st==PEND && !NB) || (st==PROC && !lexp && !(owner==me+1 && r)) || (st!=PEND && st!=PROC && !(DEADST && LETTER(m))) ->
       goto fin                                                 /* early, busy, finished, stale dead letter: acknowledged */
#ifdef TRUSTPROC
    :: f>0 -> f--; r=1; goto W1
#endif
    :: f>0 -> f--; goto W1                                      /* request lost, the SDK retries */
    :: f>0 -> DIEBACK                                           /* crash, or store down */
    fi }
W1x: atomic {                                                   /* the second write, conditional on what was seen */
    if
    :: act==1 && X_EXP -> dolease(PROC)                         /* ledger.leaseExpired */
    :: act==3 && X_LET -> dolease(DEAD)                         /* ledger.leaseByDeadLetter */
    :: act==2 && X_EXP ->                                       /* ledger.markDeadAbandoned; process.Service.notLeased sends its dead letter */
       assert(st==PROC && lexp && ln==sn);
       dead(ln);
#ifndef DEADNONCE                         /* mutant: the death of an abandoned lease leaves the nonce */
       nonce=0;
#endif
       owner=0; k=ln; act=0; sn=0;
       if :: goto W5 :: f>0 -> DIEBACK :: f>0 -> DIEKEEP fi     /* kept: the retry meets a dead event, the sweeper sends the dead letter */
    :: !((act==1 && X_EXP) || (act==3 && X_LET) || (act==2 && X_EXP)) ->
       act=0; sn=0; if :: goto W1 :: goto giveback fi           /* it moved: anew, or maxLeaseRaces */
    :: f>0 -> act=0; sn=0; DIEBACK
    fi;
    act=0; sn=0;
    if :: goto W2 :: f>0 -> f--; r=1; goto W1 :: f>0 -> DIEBACK fi }
W2: atomic { r=0; attempt(0,a);
#ifdef ONEDEST
    b=0; }
#else
    }
W3: atomic { attempt(1,b) }
#endif
W4: atomic {                                                    /* ledger.Settle */
    if
    :: fp && FFENCE ->                                          /* the settlement of a first attempt */
       assert(st==PEND && ln==k-1 && inc==cn);                  /* S2: no stale write */
       settled_by=16+me; nonce=1; assert(!fsd); fsd=1;           /* S2: nor over another's first attempt */
#ifndef FKEEP0                            /* mutant: the settlement leaves the lease number at 0 */
       ln=k;
#endif
       fset=me+1; owner=0; lexp=0;
       if
       :: FALLOK -> note(0,a); note(1,b); st=DELIV; SETDUE(0); lost=0; ll=0; sn=DELIV;
          assert(eff[key]>0);
#ifndef ONEDEST
          assert(eff[REP+1+key]>0);
#endif
       :: !FALLOK && FRETRY -> note(0,a); note(1,b); st=PEND; wait=1; SETDUE(1); sn=PEND
       :: !FALLOK && !FRETRY -> note(0,a); note(1,b); dead(ln); sn=DEAD;
          assert((res[0]==OK || res[0]==PERM || at[0]>=CAP) && (res[1]==OK || res[1]==PERM || at[1]>=CAP))
       fi;
       if :: goto W4ok
          :: f>0 -> f--; goto W4r
          :: f>0 -> DIEBACK fi
    :: fp && !FFENCE -> sn=(FALLOK -> DELIV : (FRETRY -> PEND : DEAD)); goto W4r
    :: !fp && FENCE ->
       assert(owner==me+1 && ln==k);                            /* S2: no stale write */
       settled_by=k;
       if
       :: ALLOK -> note(0,a); note(1,b); owner=0; st=DELIV; SETDUE(0); lost=0; ll=0; sn=DELIV;    /* W4 to DELIV */
          assert(eff[key]>0);
#ifndef ONEDEST
          assert(eff[REP+1+key]>0);
#endif
       :: !ALLOK && RETRY -> note(0,a); note(1,b); owner=0; st=PEND; wait=1; SETDUE(1); sn=PEND  /* W4 to PEND */
       :: !ALLOK && !RETRY ->                                                                     /* W4 to DEAD */
#ifdef LETTERFIRST                        /* mutant: the dead letter before the ledger */
          putd(ln); goto W4b
#else
          note(0,a); note(1,b); owner=0; dead(ln); sn=DEAD;
          assert((res[0]==OK || res[0]==PERM || at[0]>=CAP) && (res[1]==OK || res[1]==PERM || at[1]>=CAP))   /* S7: each its own budget */
#endif
       fi;
       if :: goto W4ok
          :: f>0 -> f--; goto W4r                               /* answer lost, the SDK retries */
          :: f>0 -> DIEBACK fi
    :: !fp && !FENCE -> sn=(ALLOK -> DELIV : (RETRY -> PEND : DEAD)); goto W4r
    :: f>0 -> DIEBACK                                           /* crash, or store down: "settle_failed" */
    fi }
W4r: atomic {                                                   /* ledger.Settle: the condition failed: its own settlement, or a lost lease */
    if :: fp && FREC -> assert(settled_by==16+me); goto W4ok
       :: !fp && ln==k && nonce && fset==0 && st==sn -> assert(settled_by==k); goto W4ok       /* S8: what is recognised was written */
       :: else -> goto fin
    fi }
W4ok: atomic {                                                  /* process.Service.settle */
    if :: sn==DELIV -> goto fin
       :: sn==PEND -> if :: goto giveback :: goto fin fi    /* waits by its visibility, or is acknowledged */
       :: sn==DEAD -> goto W5
    fi }
#ifdef LETTERFIRST
W4b: atomic { if :: FENCE -> note(0,a); note(1,b); owner=0; dead(ln); SETDUE(0); goto fin
                 :: !FENCE -> goto fin
                 :: f>0 -> DIEBACK fi }
#endif
W5: atomic { if :: putd(k)                                    /* process.Service.sendDeadLetter */
                :: f>0 -> f--;                                  /* refused */
#ifndef CLEARBLIND                        /* mutant: cleared although refused */
                   goto fin
#endif
                :: f>0 -> f--; putd(k); goto fin              /* sent, answer lost */
                :: f>0 -> DIEBACK fi }
#if defined(CLEARANY)                     /* mutant: whichever death */
#define CLEAROK (st==DEAD)
#elif defined(CLEARDEATH)                 /* variation: the death, not the due time */
#define CLEAROK (st==DEAD && dn==k)
#else
#define CLEAROK (st==DEAD && dn==k && mine[me])
#endif
W6: atomic { if :: CLEAROK -> SETDUE(0)                       /* ledger.ConfirmDeadLetter */
                :: !CLEAROK
                :: f>0 -> f-- fi }
goto fin;
giveback: atomic {
   if :: fm==0 -> back(m)
      :: fm!=0 -> putf(fv2,QMAX)
#ifdef SQSDLQ
      :: fm!=0 -> putf(fd,QMAX)
#endif
   fi;
#ifdef NOPAYLOAD
   if :: m==0 && pl -> pay=1 :: else fi;
#endif
   goto fin };
fin: atomic { if :: fp -> fh-- :: else fi; fp=0; fm=0; cn=0; m=NOMSG; hand[me]=NOMSG; k=0; kk=0; a=0; b=0; r=0; act=0; sn=0; pl=0; goto idle }
}

#if defined(FDUE) || defined(FDUEONLY)    /* a first attempt ends before due_at, or that is a fault */
#define FALIVE (fh==0)
#else
#define FALIVE (true)
#endif
#ifdef KEEPSHORT                          /* variation: due_at may pass under a live lease; a process of its own, for fairness */
proctype Timer2() { end: do :: atomic { !wait && FALIVE && due==1 -> due=2 } od }
#endif
proctype Timer() { end: do
#ifdef LIVE
  :: atomic { wait -> wait=0 }
  :: atomic { !wait && st==PROC && !lexp && owner==0 -> lexp=1 }
#ifndef KEEPSHORT
  :: atomic { !wait && !(st==PROC && !lexp) && FALIVE && due==1 -> due=2 }
#endif
#else
  :: atomic { wait -> wait=0; down=0 }
  :: atomic { st==PROC && !lexp && owner==0 -> lexp=1 }
  :: atomic { due==1 && FALIVE -> due=2 }
#endif
  :: atomic { due==1 && !FALIVE && f>0 -> f--; due=2 }
  :: atomic { st==PROC && !lexp && owner!=0 && f>0 -> f--; lexp=1 }
  od }

/* ledger.Due, sweep.Service.sendDue, then ledger.Swept */
#if defined(BUMPLN)                       /* variation: state and number, not the due time */
#define SAME (st==ss && ln==sl)
#elif defined(BUMPSTATE)                  /* mutant: the state alone */
#define SAME (st==ss)
#elif defined(BUMPDUE)                    /* variation: the due time alone */
#define SAME (swok[w] && due==2)
#else
#define SAME (swok[w] && due==2 && st==ss && ln==sl)
#endif
#if defined(FDUE)
#define SWPT swpt=(ln==0)
#else
#define SWPT skip
#endif
proctype Sweeper(byte w) { byte ss=0, sk=0, sl=0;
end: do :: atomic { SEEN(due==2) -> ss=st; sk=dn; sl=ln; swok[w]=1 };
again: atomic { if :: ss==DEAD -> putd(sk) :: ss!=DEAD -> putl(0)
                :: f>0 -> f--;
#ifndef CLEARBLIND
                   goto next
#endif
                :: f>0 -> f--; if :: ss==DEAD -> putd(sk) :: else -> putl(0) fi; goto next fi };
    atomic { if
#if defined(BUMPANY)                      /* mutant: no condition */
       :: ss==DEAD -> due=0 :: ss!=DEAD -> due=1
#elif defined(BUMPTERM)                   /* mutant: dead counts as finished, its due time is never moved */
       :: SAME && ss!=DEAD -> SETDUE(1) :: !(SAME && ss!=DEAD)
#else
       :: SAME && ss==DEAD -> SETDUE(0) :: SAME && ss!=DEAD -> SETDUE(1); SWPT :: !SAME
#endif
       :: f>0 -> f-- fi;
#ifdef GSI                                /* the index shows the old image once more */
       if :: goto again :: true fi;
#endif
       };
next: atomic { ss=0; sk=0; sl=0; swok[w]=0 }
  od }

#ifdef LOOK
/* sweep.Service.look: ledger.ListDue of one look, which comes once; then it has passed the event */
#ifdef LOOKEARLY                          /* mutant: it may pass before the claim is there */
#define THERE (true)
#else
#define THERE (st!=NONE)
#endif
proctype Look() { bit lo=0;
end: do :: atomic { !passed && THERE -> lo=(due!=0 && !lst); lok=1 };
     atomic { if
     :: lo && lok && due!=0 && !lst -> lst=1; passed=1
     :: lo && !(lok && due!=0 && !lst) -> passed=1          /* it moved meanwhile */
     :: !lo -> passed=1
#ifdef LOOKFAILS                          /* mutant: it passes what it could not list */
     :: f>0 -> f--; passed=1
#else
     :: f>0 -> f--
#endif
     fi; lo=0; lok=0 }
  od }
#endif

/* ledger.move: a consistent read, then a write conditional on what the caller saw and on the number read */
#define MOVED(who) (mover==who && r)
#if RED>0
proctype Redrive() { byte n=RED, x=0, sl=0; bit r=0;
end: do :: atomic { n>0 && st==DEAD -> n--; x=dn; CNT(nreq++) };          /* redrive.Service.choose; operator.Service.revive */
  V0: atomic { if :: sl=ln :: f>0 -> f--; goto V9 fi };
  V1: atomic { if                                                          /* ledger.Revive */
#ifdef REVANY                             /* mutant: whichever death */
     :: st==DEAD ->
#elif defined(REVNUM)                     /* variation: the death, not the number read */
     :: st==DEAD && dn==x ->
#else
     :: st==DEAD && dn==x && ln==sl ->
#endif
          newlife(); st=PEND; wait=0; mover=1; r=1; CNT(nrev++; assert(nrev<=nreq));
#ifdef REVNODUE                           /* mutant: a revival owes nothing */
          SETDUE(0);
#else
          SETDUE(1);
#endif
          if :: healthy -> req=1 :: else fi;
          if :: skip :: f>0 -> f--; goto V1 :: f>0 -> f--; goto V9 fi
     :: MOVED(1) -> r=0                                                    /* its own nonce */
#ifdef REVANY
     :: st!=DEAD && !MOVED(1) -> goto V9
#elif defined(REVNUM)
     :: !(st==DEAD && dn==x) && !MOVED(1) -> goto V9
#else
     :: !(st==DEAD && dn==x && ln==sl) && !MOVED(1) -> goto V9
#endif
     :: f>0 -> f--; goto V9
     fi };
  V2: atomic { if :: putl(0) :: f>0 -> f-- fi };                         /* redrive.Service.revive: Queue.Send */
  V9: atomic { x=0; sl=0; r=0 }
  od }
#endif
#if CON>0
/* StartMessageMoveTask: dead letters back to the live queue as they are */
proctype Console() { byte n=CON, j=0;
end: do
#if defined(FIRST) && defined(SQSDLQ)
  :: atomic { n>0 && fd>0 && fv1<FQ -> n--; fv1++; nd++; if :: fd-- :: f>0 -> f-- fi }   /* the count starts anew */
#endif
  :: atomic { n>0 ->
     if
#define C(i) :: dq[i]>0 && lv[i]<QMAX -> j=i
     C(0) C(1) C(2) C(3) C(4) C(5)
#if NM>6
     C(6) C(7)
#endif
#if NM>8
     C(8) C(9)
#endif
#if NM>10
     C(10) C(11)
#endif
     fi;
     n--; lv[j]++;
     if :: dq[j]-- :: f>0 -> f-- fi;                            /* copied, not deleted */
     if :: st==DEAD && j==dn -> CNT(nreq++); if :: healthy -> req=1 :: else fi :: else fi; j=0 }
  od }
#endif
#ifdef JAN
/* redrive.DeadLetterCleaner.judge: receive, a consistent read, then perhaps delete; un-numbered messages too */
proctype Cleaner() { byte j=NOMSG, js=0, jl=0, jd=0;
end: do ::
#ifdef EVREAD                             /* mutant with JEAGER: the read may be older than the dead letter */
   atomic { st!=NONE -> js=st; jl=ln; jd=dn };
#endif
   atomic { if
     #define J(i) :: dq[i]>0 -> j=i
     J(0) J(1) J(2) J(3) J(4) J(5)
#if NM>6
     J(6) J(7)
#endif
     fi };
#ifndef EVREAD
   atomic { st!=NONE -> js=st; jl=ln; jd=dn };
#endif
   /* redrive.stale, then queue.Queues.DeleteDead */
#ifdef JEAGER                             /* whatever is not the dead letter of the present death */
#define STALE (j>0 -> !(js==DEAD && jd==j) : js!=PROC)
#else
#define STALE (j>0 -> (jl>j || (jl==j && js!=DEAD && js!=PROC)) : js!=PROC)
#endif
   atomic { if
     :: STALE && dq[j]>0 -> dq[j]--
     :: !(STALE && dq[j]>0)
     fi; j=NOMSG; js=0; jl=0; jd=0 }
  od }
#endif
#if PRK>0
/* operator.Service.park, unpark, discard: look, then ledger.Park, Unpark, Discard under what was seen */
proctype Operator() { byte n=PRK, x=0, sl=0, ss=0;
end: do
  :: atomic { n>0 && (st==DEAD || st==PARK
     ) -> n--; x=dn; sl=ln; ss=st };
     atomic { if
#ifdef PARKNODEATH                /* mutant: whichever death */
     :: ss==DEAD && st==DEAD -> assert(dn==x); st=PARK; SETDUE(0); wait=0
#else
     :: ss==DEAD && st==DEAD && dn==x -> st=PARK; SETDUE(0); wait=0          /* Park */
#endif
     :: ss==PARK && st==PARK && dn==x && ln==sl ->                           /* Unpark */
#ifdef UNPARKDEAD                         /* mutant: back to dead */
        st=DEAD
#elif defined(UNPARKDEAD_DUE)             /* mutant: back to dead, due */
        st=DEAD; SETDUE(1)
#else
        newlife(); st=PEND; wait=0; mover=2; SETDUE(1)
#endif
#ifndef NODISC
     :: (ss==DEAD || ss==PARK) && st==ss && ln==sl -> st=DISC; SETDUE(0)     /* Discard */
#endif
     :: true                                                                 /* changed meanwhile, or it thinks better of it */
     fi; x=0; sl=0; ss=0 }
  od }
#endif
#if REP>0
/* operator.Service.replay: ledger.Replay, which is ledger.move */
#ifdef TWOREP
#define NREP 1
#else
#define NREP REP
#endif
#ifdef REPANYSTATE                        /* mutant: whichever state, at the look and at the write */
#define DELIVERED (st!=NONE)
#else
#define DELIVERED (st==DELIV)
#endif
proctype Replay(byte w) { byte n=NREP, g=0, sl=0; bit r=0;
end: do :: atomic { n>0 && DELIVERED -> n--; g=gen };
  P0: atomic { sl=ln };
  P1: atomic { if
#ifdef REPNOGEN                           /* mutant: whichever generation */
     :: st==DELIV && !MOVED(3+w) ->
          assert(gen==g);
#elif defined(REPANYSTATE)
     :: gen==g && !MOVED(3+w) ->
          assert(st==DELIV);
#else
     :: st==DELIV && gen==g && ln==sl ->
#endif
          gen++; assert(gen<=REP); mover=3+w; r=1;
          lost=0; ll=0; res[0]=OPEN; at[0]=0; got[0]=0;                                             /* resetAll */
#ifndef ONEDEST
          res[1]=OPEN; at[1]=0; got[1]=0;
#endif
          st=PEND; wait=0; SETDUE(1);
          if :: skip :: key=gen fi;                                                                 /* Again */
          if :: skip :: f>0 -> f--; goto P1 :: f>0 -> f--; goto P9 fi
     :: MOVED(3+w) -> r=0
     :: !(st==DELIV && gen==g && ln==sl) && !MOVED(3+w) -> goto P9
     fi };
  atomic { if :: putl(0) :: f>0 -> f-- fi };
  P9: atomic { g=0; sl=0; r=0 }
  od }
#endif
#ifdef TICK                               /* nothing is ever blocked: else pan -f misses a strand where the claim must leave its accepting state */
proctype Tick() { do :: true -> skip od }
#endif
#ifdef HEAL
proctype Heal() { healthy=1 }
#endif
#if defined(FORGET) || defined(FORGETLATE)
#define NOLV (lv[0]==0 && lv[1]==0 && lv[2]==0 && lv[3]==0 && lv[4]==0 && lv[5]==0 && hand[0]==NOMSG && hand[1]==NOMSG)
#ifdef FORGETLATE                         /* the window is longer than any message's life and than the event is open */
#define MAYFORGET (st==DELIV && NOLV)
#else                                     /* mutant: shorter */
#define MAYFORGET (true)
#endif
proctype Forget() { end: do :: atomic { MAYFORGET && seen[0] -> seen[0]=0 } od }
#endif
#ifdef EXPIRE
#ifdef EXPIRELONG                         /* once nothing of it lives any more */
#define MAYEXPIRE (st==DELIV && NOHAND)
#else                                     /* mutant: earlier */
#define MAYEXPIRE (st==DELIV)
#endif
#define NOHAND (lv[0]==0 && lv[1]==0 && lv[2]==0 && lv[3]==0 && fv1==0 && fv2==0 && hand[0]==NOMSG && hand[1]==NOMSG)
proctype Expire() { byte n=1;
end: do :: atomic { n>0 && MAYEXPIRE -> n--; st=NONE; ln=0; dn=0; lost=0; ll=0; SETDUE(0); res[0]=OPEN; at[0]=0; got[0]=0;
#ifndef ONEDEST
     res[1]=OPEN; at[1]=0; got[1]=0;
#endif
     wait=0; lexp=0; owner=0; nonce=0; fset=0; settled_by=0; swpt=0; fsd=0 } od }
#endif
#ifndef NOS5
/* S5: dead and nothing owed => its dead letter is in the DLQ, in a lane or in a worker's hands */
#define VISIBLE (dq[dn]>0 || lv[dn]>0 || hand[0]==dn || hand[1]==dn)
proctype Mon() { end: atomic { (st==DEAD && due==0 && !VISIBLE) -> assert(false) } }
#endif
#ifdef NEVERDEAD
proctype Mon2() { end: atomic { (st==DEAD) -> assert(false) } }
#endif
init { atomic {
  hand[0]=NOMSG; hand[1]=NOMSG;
#ifdef ONEDEST
  res[1]=OK;
#endif
#ifdef HEALTHY
  healthy=1;
#endif
  run Receiver();
#ifdef TWORECV
  run Receiver();
#endif
  run Worker(0);
#ifndef ONEWORKER
  run Worker(1);
#endif
  run Timer();
#ifdef KEEPSHORT
  run Timer2();
#endif
#ifndef NOSWEEPER                         /* mutant: no sweeper */
  run Sweeper(0);
#endif
#ifdef TWOSWEEP
  run Sweeper(1);
#endif
#ifdef LOOK
  run Look();
#endif
#if RED>0
  run Redrive();
#endif
#if CON>0
  run Console();
#endif
#ifdef JAN
  run Cleaner();
#endif
#if PRK>0
  run Operator();
#endif
#if REP>0
  run Replay(0);
#ifdef TWOREP                             /* two operators */
  run Replay(1);
#endif
#endif
#ifdef TICK
  run Tick();
#endif
#ifdef EXPIRE
  run Expire();
#endif
#ifdef HEAL
  run Heal();
#endif
#if defined(FORGET) || defined(FORGETLATE)
  run Forget();
#endif
#ifndef NOS5
  run Mon();
#endif
#ifdef NEVERDEAD
  run Mon2();
#endif
} }
#define TERMI (st==DELIV||st==DEAD||st==PARK||st==DISC)
#define quiet (due==0 || !TERMI)
#define deliv (st==DELIV||st==PARK||st==DISC)
#define delivw (deliv||(st==DEAD&&dq[dn]>0))
#define rest (deliv||(st==DEAD&&due==0))
#ifdef L1   /* acknowledged => in the end delivered, dead, parked or discarded */
ltl l1 { [] (acked -> <> TERMI) }
#endif
#ifdef L2   /* brought back while every destination is healthy => delivered */
ltl l2 { [] (req -> <> deliv) }
#endif
#ifdef L2W  /* with the queue's own redrive policy: or the dead letter is in the DLQ again */
ltl l2w { [] (req -> <> delivw) }
#endif
#ifdef L3   /* what is finished is not swept for ever */
ltl l3 { [] (TERMI -> <> quiet) }
#endif
#ifdef L4   /* whatever happened, it comes to rest: delivered, parked, discarded, or dead and told */
ltl l4 { <> [] (acked -> rest) }
#endif
