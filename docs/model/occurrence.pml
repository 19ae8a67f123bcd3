/* Timeless events: receipts of ONE natural key that may repeat for real.  Each
   receipt has the time at which it was received; it may be claimed late and out
   of order (the unclaimed lane), at the same time as others, and again when an
   answer was lost.  ledger.claimTimeless, occurrenceOf.
   f is the budget of faults: a request or an answer lost.  Knobs: README.md. */
#ifndef F
#define F 1
#endif
#ifndef N
#define N 4        /* receipts */
#endif
#ifndef W
#define W 2        /* window: a distance below it is a duplicate */
#endif
#ifndef TM
#define TM 4       /* receipt times are 0..TM */
#endif
byte cnt=0;        /* the newest occurrence */
byte when[N+2]; bit late[N+2]; bit put[N+2];      /* by number, from 1: received_at, late */
byte f=F, answered=0;
byte made[N];      /* ghost: occurrences that one receipt made */
#define NEAR(x,y) ((x<y -> y-x : x-y) < W)

proctype Receipt(byte me) { byte t=0, top=0, i=0, races=0; bit dup=0, lat=0, won=0;
   select(t: 0 .. TM);
look: atomic {                                                   /* occurrenceOf: from the newest down; items never change */
   if :: true :: f>0 -> f--; won=0; goto look fi;                /* unavailable: the unclaimed message comes back, with a new nonce */
   top=cnt; i=top; dup=0; lat=0;
   do
   :: i==0 -> break
   :: i>0 ->
#ifdef ONEWAY                             /* mutant: the distance is taken one way */
      if :: t>=when[i] && t-when[i]<W -> dup=1; break :: else fi;
#else
      if :: NEAR(t,when[i]) -> dup=1; break :: else fi;
#endif
      if
#ifndef LATEBLIND                         /* mutant: a late one ends the search */
      :: late[i]
#endif
#ifdef LATEBLIND
      :: t>when[i] -> break
#else
      :: !late[i] && t>when[i] -> break
#endif
      :: !late[i] && t<=when[i] -> lat=1
#ifdef LATEBLIND
      :: late[i] && t<=when[i]
#endif
      fi;
#ifdef FIRSTONLY                          /* mutant: only the newest is looked at */
      break;
#endif
      i--
   od;
   i=0;
#ifdef NOLATE                             /* mutant: late ones are not marked */
   lat=0;
#endif
   if :: dup -> goto answer :: else fi }
write: atomic { if                                               /* ledger.put: put if absent */
#ifdef UPSERT                             /* mutant: no condition */
   :: true -> cnt=(cnt>top+1 -> cnt : top+1);
#else
   :: !put[top+1] -> cnt=top+1;
#endif
      put[top+1]=1; when[top+1]=t; late[top+1]=lat; made[me]++;
      assert(made[me]<=1);                                       /* O1: one receipt, one occurrence */
      /* O2: no two occurrences within the window */
      i=1;
      do :: i>cnt -> break :: i<=cnt -> assert(i==top+1 || !put[i] || !NEAR(t,when[i])); 
#ifndef NOLATE
            assert(i==top+1 || late[i] || lat || (i<top+1 && when[i]<t));       /* O3: the others in the order of their receipt */
#endif
            i++ od; i=0;
      if :: goto answer
         :: f>0 -> f--; won=1; goto write                        /* answer lost: the SDK retries */
         :: f>0 -> f--; goto look fi                             /* ... or gives up: claimed again from the message */
#ifndef UPSERT
   :: put[top+1] && won -> goto answer                           /* its own nonce */
   :: put[top+1] && !won ->
#ifdef CONFLICTDUP                        /* mutant: who lost the number is a duplicate of the winner */
      goto answer
#elif defined(NORELOOK)                   /* mutant: takes the next number without looking again */
      top++; goto write
#else
      if :: races<3 -> races++; goto look :: races>=3 -> races=0; goto look fi
#endif
#endif
   :: f>0 -> f--; goto look
   fi }
answer: atomic {
   /* O4: what was acknowledged is an occurrence or within the window of one */
   i=1;
   do :: i>cnt -> assert(false) :: i<=cnt -> if :: put[i] && NEAR(t,when[i]) -> break :: else fi; i++ od;
   i=0; top=0; races=0; dup=0; lat=0; won=0; answered++ }
}
init { byte n=0; atomic { do :: n<N -> run Receipt(n); n++ :: n>=N -> break od } }
#ifdef L1   /* every receipt is answered in the end */
ltl l1 { <> (answered==N) }
#endif
