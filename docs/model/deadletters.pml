/* The dead letter queue of ONE event: dead letters, the cleaner that clears and
   renews them, the queue's retention, moves by the console, revivals.  Leases
   and settlements are reduced: ledger.pml has them whole.
   A dead letter is young or old (beyond Renew); none turns old during one judgement.
   An old one expires only after the cleaner has judged it without an error:
   Renew leaves two days for that.
   f is the budget of faults: crash, request or answer lost, refused send. */
#ifndef F
#define F 1
#endif
#ifndef NM
#define NM 4       /* highest lease number + 1; the attempt of the highest succeeds */
#endif
#ifndef CON
#define CON 0
#endif
#ifndef RED
#define RED 0
#endif
#ifndef PRK
#define PRK 0
#endif
#define PEND 1
#define PROC 2
#define DELIV 3    /* delivered, or unrouted: see README.md */
#define DEAD 4
#define PARK 5
#define NOMSG 15
byte st=PEND, ln=0, dn=0, due=1; bit swok=0;
byte yq[NM], oq[NM], lv[NM], hand=NOMSG; bit judged[NM];   /* DLQ young and old, lane; [0] un-numbered, [k] dead letter k */
byte f=F; bit judging=0, arrived=0;
#define SETDUE(v) due=v; swok=0
#ifndef QMAX
#define QMAX 2     /* copies of one dead letter of one age */
#endif
#define up(x) x=(x<QMAX -> x+1 : x)
#define ANY(j) (yq[j]>0 || oq[j]>0)

proctype Worker() { byte m=NOMSG, k=0;
end: do :: atomic { if
     #define T(j) :: lv[j]>0 -> m=j; lv[j]--
     T(0) T(1) T(2)
#if NM>3
     T(3)
#endif
#if NM>4
     T(4)
#endif
     fi; hand=m };
  atomic { if                                                    /* ledger.Lease */
     :: (st==PEND || (st==DEAD && m>0 && m==dn)) -> ln++; assert(ln<NM); st=PROC; k=ln; SETDUE(1)
     :: !(st==PEND || (st==DEAD && m>0 && m==dn)) -> goto fin
     :: f>0 -> f--; goto back
     fi };
  atomic { if                                                    /* ledger.Settle */
     :: st=DELIV; SETDUE(0); goto fin
     :: ln<NM-1 -> st=PEND; SETDUE(1); if :: goto fin :: goto back fi
     :: ln<NM-1 -> st=DEAD; dn=k; SETDUE(1); if :: true :: f>0 -> f--; goto back :: f>0 -> f--; goto fin fi
     fi };
  atomic { if :: up(yq[k]) :: f>0 -> f--; goto fin :: f>0 -> f--; up(yq[k]); goto fin fi };   /* sendDeadLetter */
  atomic { if :: st==DEAD && dn==k -> SETDUE(0) :: !(st==DEAD && dn==k) :: f>0 -> f-- fi };   /* ConfirmDeadLetter */
  goto fin;
back: atomic { if :: up(lv[m]) :: up(yq[m]) :: up(oq[m]); judged[m]=0; arrived=1 fi };   /* comes back, or SQS moves it, with its age */
fin: atomic { m=NOMSG; hand=NOMSG; k=0 }
  od }
/* sweep.Service.sendDue, ledger.Swept */
proctype Sweeper() { byte ss=0, sk=0;
end: do :: atomic { due==2 -> ss=st; sk=dn; swok=1 };
     atomic { if :: ss==DEAD -> up(yq[sk]) :: ss!=DEAD -> up(lv[0]) :: f>0 -> f--; goto next fi };
     atomic { if :: swok && due==2 && st==ss -> if :: ss==DEAD -> SETDUE(0) :: else -> SETDUE(1) fi
                 :: !(swok && due==2 && st==ss) fi };
next: atomic { ss=0; sk=0; swok=0 }
  od }
/* redrive.DeadLetterCleaner.look, judge: TakeDead, GetMany, then delete, renew or leave */
proctype Cleaner() { byte j=NOMSG, js=0, jl=0, jd=0; bit old=0;
end: do ::
#ifdef RENEWEV                            /* mutant: the read may be older than the dead letter */
   atomic { js=st; jl=ln; jd=dn };
#endif
   atomic { if
     #define J(i) :: yq[i]>0 -> j=i; old=0 :: oq[i]>0 -> j=i; old=1
     J(0) J(1) J(2)
#if NM>3
     J(3)
#endif
#if NM>4
     J(4)
#endif
     fi; judging=1; arrived=0 };
#ifndef RENEWEV
   atomic { if :: js=st; jl=ln; jd=dn :: f>0 -> f--; goto next fi };
#endif
   /* redrive.stale */
   if
#ifdef JEAGER                             /* mutant with RENEWEV: whatever is not the dead letter of the present death */
   :: (j>0 && !(js==DEAD && jd==j)) || (j==0 && js!=PROC) -> goto remove
   :: (j>0 && js==DEAD && jd==j && old) ->
#elif defined(JALL)                       /* mutant: a dead letter goes once it was looked at */
   :: true -> goto remove
   :: false ->
#else
   :: (j>0 && (jl>j || (jl==j && js!=DEAD && js!=PROC))) || (j==0 && js!=PROC) -> goto remove
   :: (j>0 && !(jl>j || (jl==j && js!=DEAD && js!=PROC))) && js==DEAD && old ->
#endif
#ifdef NORENEW                            /* mutant: never renewed */
      goto looked
#endif
#ifdef DELFIRST                           /* mutant: the old one goes before the new one is there */
      atomic { if :: oq[j]>0 -> oq[j]-- :: oq[j]==0 fi };
      atomic { if :: up(yq[jd]) :: f>0 -> f-- fi };
      goto next
#else
      atomic { if :: up(yq[jd])                                  /* redrive.DeadLetterCleaner.renew: the new dead letter */
                  :: f>0 -> f--;                                 /* refused */
#ifndef RENEWBLIND                        /* mutant: the old one goes although the new one was refused */
                     goto next
#else
                     skip
#endif
                  :: f>0 -> f--; up(yq[jd]); goto next fi };     /* sent, answer lost; or a crash after */
      goto remove
#endif
   :: else -> goto looked
   fi;
remove: atomic { if :: old && oq[j]>0 -> oq[j]--                 /* redrive.DeadLetterCleaner.remove */
                    :: !old && yq[j]>0 -> yq[j]--
                    :: (old && oq[j]==0) || (!old && yq[j]==0)
                    :: f>0 -> f-- fi };
   goto next;
looked: atomic { if :: old && oq[j]==1 && !arrived -> judged[j]=1 :: else fi };   /* left as it is */
next: atomic { j=NOMSG; js=0; jl=0; jd=0; old=0; judging=0; arrived=0 }
  od }
proctype Time() { byte i=0; end: do
  :: atomic { due==1 -> due=2 }
#define A(i) :: atomic { yq[i]>0 && oq[i]<QMAX && !judging -> yq[i]--; up(oq[i]); judged[i]=0 } :: atomic { oq[i]>0 && judged[i] -> oq[i]--; judged[i]=(oq[i]>0) }
#ifdef LIVE                               /* whether one grows old is open, but it does not do so for ever */
  od }
#else
  A(0) A(1) A(2)
#if NM>3
  A(3)
#endif
#if NM>4
  A(4)
#endif
  od }
#endif
#if CON>0
proctype Console() { byte n=CON, j=0; end: do
  :: atomic { n>0 -> if
#define C(i) :: yq[i]>0 -> j=i; if :: yq[i]-- :: f>0 -> f-- fi :: oq[i]>0 -> j=i; if :: oq[i]-- :: f>0 -> f-- fi
     C(0) C(1) C(2)
#if NM>3
     C(3)
#endif
#if NM>4
     C(4)
#endif
     fi; n--; up(lv[j]); j=0 }
  od }
#endif
#if RED>0
proctype Redrive() { byte n=RED, x=0; end: do
  :: atomic { n>0 && st==DEAD -> n--; x=dn };
     atomic { if :: st==DEAD && dn==x -> st=PEND; SETDUE(1) :: !(st==DEAD && dn==x) -> goto next fi };   /* Revive */
     atomic { if :: up(lv[0]) :: f>0 -> f-- fi };
next: atomic { x=0 }
  od }
#endif
#if PRK>0
proctype Operator() { byte n=PRK; end: do
  :: atomic { n>0 && st==DEAD -> n--; st=PARK; SETDUE(0) }       /* Park */
  :: atomic { n>0 && st==PARK -> n--; st=PEND; SETDUE(1) }       /* Unpark */
  od }
#endif
#ifndef NOMON
/* D1: dead and nothing owed => its dead letter is in the DLQ, in a lane or in a worker's hands */
proctype Mon() { end: atomic { (st==DEAD && due==0 && !(ANY(dn) || lv[dn]>0 || hand==dn)) -> assert(false) } }
#endif
init { atomic {
  lv[0]=1; run Worker(); run Sweeper(); run Cleaner(); run Time();
#if CON>0
  run Console();
#endif
#if RED>0
  run Redrive();
#endif
#if PRK>0
  run Operator();
#endif
#ifndef NOMON
  run Mon();
#endif
} }
#if NM>3
#define EMPTY (!ANY(0) && !ANY(1) && !ANY(2) && !ANY(3))
#else
#define EMPTY (!ANY(0) && !ANY(1) && !ANY(2))
#endif
#ifdef L1   /* the queue tells the truth: once the event is and stays finished, it holds nothing of it */
ltl l1 { (<>[] (st==DELIV || st==PARK)) -> (<>[] EMPTY) }
#endif
