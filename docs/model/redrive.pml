/* The job of a redrive: two runs of the function, an operator who cancels, a
   few dead events.  The job is a document that is written only under the
   version seen (ledger.SaveDocument); a run writes it before it releases
   anything.  redrive.Service.step, release, choose, revive, command.
   f is the budget of faults: a crash, a store that does not answer, a run that
   outlives its hold on the job. */
#ifndef F
#define F 1
#endif
#ifndef N
#define N 2        /* dead events, in the order of their deaths */
#endif
#define RUNNING 1
#define DONE 2
#define CANCELLED 3
byte ver=1, state=RUNNING, cursor=0, holder=0; bit exhausted=0, over=0;   /* the job; over: held_until has passed */
byte ev[N+1];                  /* 0 dead since before the job, 1 brought back, 2 moved by somebody else */
byte f=F;
byte releasing=0, lapsed=0; bit doing[3];     /* ghosts */

proctype Run(byte me) { byte v=0, c=0, i=0; bit x=0, lost=0;
end: do :: atomic { state==RUNNING && (holder==me || holder==0 || over
#ifdef NOHOLD                             /* mutant: whoever holds the job */
        || true
#endif
        ) -> v=ver; c=cursor; x=exhausted; doing[me]=1 };
#ifndef RELEASEFIRST                      /* mutant: releases, then writes */
  save: atomic { if                                              /* redrive.Service.save: ledger.SaveDocument */
     :: ver==v && x -> ver++; state=DONE; holder=0;
        /* R1: a job that is done has brought back, or found moved, every event of its order */
        i=1; do :: i>N -> break :: i<=N -> assert(ev[i]!=0); i++ od; i=0;
        goto next
     :: ver==v && !x -> ver++; v=ver; holder=me; over=0
     :: ver!=v -> goto next                                      /* lost the job: releases nothing */
     :: f>0 -> f--; goto next
     fi };
#endif
     atomic { releasing++; assert(releasing<=1+lapsed) };         /* R2: one run at a time releases */
  rel: if :: c<N -> i=c+1;                                       /* choose: the next of the index of the dead */
       atomic { if
        :: ev[i]==0 -> ev[i]=1; if :: skip :: f>0 -> f--; lost=1 fi              /* Revive; applied, answer lost */
        :: ev[i]!=0                                              /* changed */
        :: f>0 -> f--;                                           /* unavailable, not applied */
#ifndef PASSOVER                          /* mutant: the cursor passes over it */
           lost=1
#endif
        fi };
       atomic { if
          :: lost -> lost=0                                      /* the cursor stays: looked at again */
          :: !lost -> c=i fi; i=0 }
     :: c>=N -> x=1 fi;
     if :: true :: atomic { f>0 -> f--; goto away } fi;          /* crash after releasing */
     atomic { releasing--;                                        /* redrive.Service.save */
     if :: ver==v -> ver++; cursor=c; exhausted=x; holder=me :: ver!=v fi };
next: atomic { doing[me]=0; v=0; c=0; i=0; x=0; lost=0; goto end };
away: atomic { releasing--; goto next }
  od }
proctype Time() { end: do
  :: atomic { holder!=0 && !over && !doing[holder] -> over=1 }     /* redrive.Service.releaseHold; or the hold of a run that crashed has passed */
  :: atomic { holder!=0 && !over && doing[holder] && f>0 -> f--; lapsed++; over=1 }
  od }
proctype Other() { byte k=0; end: atomic { if :: ev[1]==0 -> ev[1]=2 :: ev[2]==0 -> ev[2]=2 fi } }
#ifdef CANCEL
/* redrive.Service.Cancel: command */
proctype Operator() { byte v=0;
  do :: atomic { state==RUNNING -> v=ver }; atomic { if :: ver==v -> ver++; state=CANCELLED; break :: ver!=v fi }
     :: state!=RUNNING -> break od }
#endif
init { atomic { run Run(1); run Run(2); run Time(); run Other();
#ifdef CANCEL
  run Operator();
#endif
} }
#ifdef L1   /* the job ends */
ltl l1 { <> (state!=RUNNING) }
#endif
