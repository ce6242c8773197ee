/*
 * "Revoked means stopped": feed, lease, barrier, gate and hand-out, of one authority and its enforcement points.
 *
 * Shown here: once a revocation has been acknowledged, no gate transaction commits and no window of bytes leaves.
 * Not here: epochs, snapshots and restores (feed.pml).
 *
 * Time has no bound. There is no clock that counts up; each span that the protocol measures counts down to nothing, and
 * a tick takes one from each. So the search covers runs of any length. A span of n that starts at an instant includes
 * that instant and the n ticks after it, and is over strictly later: a change of one tick anywhere is seen.
 *
 * The bus is as bad as it can be: any change that was ever committed may arrive anywhere, at any time, in any order,
 * any number of times, or never. That needs no state of its own. A request that was given up and arrives late is not
 * modelled apart: it reports an older number and grants a lease that nobody holds.
 *
 * Sizes (-D): SERVERS processes that serve letters, POINTS enforcement points (databases) they belong to, CHANGES in
 * the feed, of which at most one, any one, is the revocation; L, the lease, and M, the deadline of a transaction.
 *
 * Parts that may be added (-D):
 *   RESTARTS       the authority restarts at any time, and then waits afresh
 *   FORGETTING     the authority forgets a point that has asked for nothing for L + M
 *   SQLITE         point 0 has no transaction deadline, and no lock that is held while bytes leave
 *   WRITE_LATER    a server may stand still between the check before a window and the write of it
 *   NO_BUS         the bus loses everything; changes come only with the answers to lease requests
 *
 * Errors that may be put in, each of which must be found (-D):
 *   IMMEDIATE_ACK  a revocation is acknowledged when it is committed
 *   SYNCHRONOUS    a letter is released on the authority's answer "not revoked", without lease or projection
 *   NO_DEADLINE    a transaction at the gate may take for ever
 *   SHORT_WAIT     the authority waits L, not L + M
 *   FORGETFUL      a restarted authority takes it that it has waited long enough
 *   FROM_RECEIPT   a lease counts from the receipt of the answer
 *   UNAPPLIED      a lease is used although its number is not applied
 *   GAPS           a change is applied although one before it is missing
 *   EARLY_REPORT   a change is reported when it has arrived, before it is applied
 *   NO_LOCK        the projector does not wait for open gates
 *   UNGATED        a hand-out, once recorded, sends its windows without asking again
 *   TRUST_TIME     time alone acknowledges the point of SQLITE
 *   FORGET_POINTS  the authority forgets a point that may still hold a lease
 *
 * What is looked at (-D): LATE_WINDOWS=n, how many windows a server may send late (0 unless told); LOOK_PAST_GAPS,
 * what becomes of a gap rather than the gap; REACH_x, that x can happen at all, by asserting that it cannot.
 */
#ifndef SERVERS
#define SERVERS 1
#endif
#ifndef POINTS
#define POINTS 1
#endif
#ifndef CHANGES
#define CHANGES 2
#endif
#ifndef L
#define L 2
#endif
#ifndef M
#define M 1
#endif
#ifndef LATE_WINDOWS
#define LATE_WINDOWS 0
#endif

#define SPAN(n) ((n) + 1)
#ifdef SHORT_WAIT
#define LONGEST SPAN(L)
#else
#define LONGEST SPAN(L + M)
#endif

#ifdef SQLITE
#define HAS_DEADLINE(e) ((e) != 0)
#else
#define HAS_DEADLINE(e) true
#endif
#ifdef WRITE_LATER
#define WRITES_AT_ONCE(e) false
#else
#define WRITES_AT_ONCE(e) HAS_DEADLINE(e)
#endif
#ifdef TRUST_TIME
#define BOUNDED_BY_TIME(e) true
#else
#define BOUNDED_BY_TIME(e) HAS_DEADLINE(e)
#endif

#define TICK(x) if :: x > 0 -> x-- :: else fi
#define POINT(p) ((p) % POINTS)

/* Where the one request is that a process has under way. */
#define NOWHERE 0
#define ASKING 1
#define ANSWERED 2

/* The authority. */
byte seq = 0;          /* the number of the last change */
byte revocation = 0;   /* the number of the revocation, once it is committed */
byte waiting = 0;      /* the wait that bounds every lease granted before the revocation */
bool acked = false;    /* the revocation is acknowledged: from here on the promise is given */

typedef Known {        /* what the authority has written down of a point */
    bool granted;      /* it was granted a lease, ever */
    byte first;        /* the number that its first lease carried */
    byte reported;     /* how far it has reported to have applied */
    byte silent        /* what is left until it may be forgotten (FORGETTING) */
};
Known known[POINTS];

typedef Point {        /* an enforcement point: one database, shared by its processes */
    byte applied;
    byte all_applied;  /* looked at, not used: up to here everything was applied, nothing skipped */
    bool revoked
};
Point point[POINTS];

typedef Server {       /* a process of an enforcement point */
    byte talk;         /* NOWHERE, ASKING, ANSWERED */
    byte age;          /* of the request; beyond L it does not matter */
    byte carried;      /* the request carries what was applied, the answer the number of the lease */
    byte lease;        /* what is left of the newest lease whose number is applied */
    byte early[SPAN(CHANGES)]; /* what is left of leases whose number is not applied yet */
#ifdef NO_BUS
    byte told;         /* up to here answers have brought the changes */
#endif
    byte left;         /* of the deadline of the open transaction at the gate; 0: none is open */
    bool ready;        /* a window is checked and not yet written */
#ifdef UNGATED
    bool handing;      /* a hand-out is recorded, its windows follow */
#endif
    byte late          /* looked at, not used: windows that left after the acknowledgement */
};
Server server[SERVERS];

#define ME server[p]
#define DATABASE point[POINT(p)]
#define POINT_OPEN(e, p) (POINT(p) == (e) && server[p].left > 0)
#if SERVERS > 1
#define LOCKED(e) (POINT_OPEN(e, 0) || POINT_OPEN(e, 1))
#else
#define LOCKED(e) POINT_OPEN(e, 0)
#endif

/* ---- time ---- */

inline tick_server(p) {
    if :: ME.talk != NOWHERE && ME.age <= L -> ME.age++ :: else fi;
#ifndef SYNCHRONOUS
    TICK(ME.lease);
#endif
    i = 0;
    do :: i <= CHANGES -> TICK(ME.early[i]); i++ :: else -> break od;
    i = 0;
#ifndef NO_DEADLINE
    /* The database ends a transaction that has outlived its deadline, and frees its locks. */
    if :: HAS_DEADLINE(POINT(p)) -> TICK(ME.left) :: else fi
#endif
}

active proctype Clock() {
    byte i = 0;
    do
    :: d_step {
        true ->
        TICK(waiting);
#ifdef FORGETTING
        TICK(known[0].silent);
#endif
        tick_server(0);
#if SERVERS > 1
        tick_server(1)
#endif
    }
    od
}

/* ---- the authority ---- */

/* One transaction that locks the feed's row: note the report, note that a lease is granted, and answer. */
inline grant(p, e) {
#ifdef FORGETTING
    known[e].silent = LONGEST;
#endif
    if :: known[e].reported < ME.carried -> known[e].reported = ME.carried :: else fi;
    if :: !known[e].granted -> known[e].granted = true; known[e].first = seq :: else fi;
    ME.carried = seq;
    ME.talk = ANSWERED
}

#define HOLDS_AT(e) (!known[e].granted || known[e].first >= revocation || known[e].reported >= revocation \
                     || (waiting == 0 && BOUNDED_BY_TIME(e)))
#ifdef IMMEDIATE_ACK
#define HOLDS true
#elif POINTS > 1
#define HOLDS (HOLDS_AT(0) && HOLDS_AT(1))
#else
#define HOLDS HOLDS_AT(0)
#endif

active proctype Authority() {
    do
    :: d_step { seq < CHANGES -> seq++ }
    :: d_step { seq < CHANGES && revocation == 0 -> seq++; revocation = seq; waiting = LONGEST }
    :: d_step { server[0].talk == ASKING -> grant(0, POINT(0)) }
#if SERVERS > 1
    :: d_step { server[1].talk == ASKING -> grant(1, POINT(1)) }
#endif
    :: d_step {
        revocation != 0 && !acked && HOLDS ->
        acked = true;
#ifdef REACH_ACK_BY_REPORT
        assert(waiting == 0);
#endif
#ifdef REACH_ACK_BY_TIME
        assert(!known[0].granted || known[0].reported >= revocation || known[0].first >= revocation);
#endif
        waiting = 0
    }
#ifdef RESTARTS
    :: d_step {
        revocation != 0 && !acked ->
#ifdef FORGETFUL
        waiting = 0
#else
        waiting = LONGEST
#endif
    }
#endif
#if defined(FORGETTING) || defined(FORGET_POINTS)
    :: d_step {
        known[0].granted && known[0].silent == 0 ->
        known[0].granted = false;
        known[0].first = 0;
        known[0].reported = 0
    }
#endif
    od
}

/* ---- an enforcement point and its processes ---- */

/* A lease counts from the sending of its request: its answer may be as old as that. */
inline keep_lease(p) {
#ifdef FROM_RECEIPT
    ME.age = 0;
#endif
    n = (ME.age <= L -> SPAN(L) - ME.age : 0);
#ifdef SYNCHRONOUS
    ME.lease = (revocation == 0 || ME.carried < revocation -> 1 : 0);
#else
#ifndef UNAPPLIED
    if
    :: ME.carried > DATABASE.applied -> ME.early[ME.carried] = n
    :: else -> if :: ME.lease < n -> ME.lease = n :: else fi
    fi;
#else
    if :: ME.lease < n -> ME.lease = n :: else fi;
#endif
#endif
#ifdef NO_BUS
    if :: ME.told < ME.carried -> ME.told = ME.carried :: else fi;
#endif
    n = 0;
    end_talk(p)
}

inline end_talk(p) { ME.talk = NOWHERE; ME.age = 0; ME.carried = 0 }

/* A lease whose number is now applied may be used. */
inline fold(p) {
    i = 0;
    do
    :: i <= DATABASE.applied ->
        if :: ME.lease < ME.early[i] -> ME.lease = ME.early[i] :: else fi;
        ME.early[i] = 0;
        i++
    :: else -> break
    od;
    i = 0
}

/* The projector's transaction: the change, and how far changes are applied. */
inline apply(e, k) {
    if :: k == point[e].all_applied + 1 -> point[e].all_applied = k :: else fi;
    point[e].applied = k;
    if :: k == revocation -> point[e].revoked = true :: else fi;
#ifndef LOOK_PAST_GAPS
    assert(point[e].all_applied == point[e].applied);
#endif
#if SERVERS > 1
    if :: POINT(1) == e -> fold(1) :: else fi;
#endif
    if :: POINT(0) == e -> fold(0) :: else fi
}

#ifdef NO_LOCK
#define FREE(e, k) true
#else
#define FREE(e, k) ((k) != revocation || !LOCKED(e))
#endif
#ifdef NO_BUS
#define ARRIVES(p, k) ((k) <= ME.told)
#else
#define ARRIVES(p, k) ((k) <= seq)
#endif

/* A transaction at the gate begins under a lease that lives, and reads the facts, sharing their rows. */
#ifdef SYNCHRONOUS
#define MAY_PASS (ME.left == 0 && ME.lease > 0)
#else
#define MAY_PASS (ME.left == 0 && ME.lease > 0 && !DATABASE.revoked)
#endif

inline send_window(p) {
#ifdef REACH_WINDOW
    assert(false);
#endif
    if :: acked -> ME.late++ :: else fi;
    assert(ME.late <= LATE_WINDOWS)
}

proctype Serve(byte p) {
    byte n = 0;
    byte i = 0;
    do
    /* Leases. */
    :: d_step {
        ME.talk == NOWHERE ->
        ME.talk = ASKING;
        ME.carried = DATABASE.applied;
#ifdef EARLY_REPORT
        if :: ARRIVES(p, DATABASE.applied + 1) -> ME.carried++ :: else fi
#endif
    }
    :: d_step { ME.talk == ANSWERED -> keep_lease(p) }
    :: d_step { ME.talk != NOWHERE -> end_talk(p) } /* the request or its answer is lost */

    /* The projector. What arrives again changes nothing, what arrives too early is not kept. */
    :: d_step {
        ARRIVES(p, DATABASE.applied + 1) && FREE(POINT(p), DATABASE.applied + 1) ->
        n = DATABASE.applied + 1;
        apply(POINT(p), n);
        n = 0
    }
#ifdef GAPS
    :: d_step {
        ARRIVES(p, DATABASE.applied + 2) && FREE(POINT(p), DATABASE.applied + 2) ->
        n = DATABASE.applied + 2;
        apply(POINT(p), n);
        n = 0
    }
#endif

    /* The gate. An open transaction ends in one of four ways: it writes a release or the record of a hand-out; a
       window leaves under it; it is rolled back; or its deadline passes (see the clock). */
    :: d_step { MAY_PASS -> ME.left = SPAN(M) }
    :: d_step {
        ME.left > 0 ->
        ME.left = 0;
#ifdef REACH_RELEASE
        assert(false);
#endif
#ifdef UNGATED
        ME.handing = true;
#endif
        assert(!acked)
    }
    :: d_step { ME.left > 0 -> ME.left = 0 }

    /* The windows of a hand-out. */
#ifdef UNGATED
    :: d_step { ME.handing -> send_window(p) }
#else
    :: d_step { ME.left > 0 && WRITES_AT_ONCE(POINT(p)) -> ME.left = 0; send_window(p) }
    :: d_step { ME.left > 0 && !WRITES_AT_ONCE(POINT(p)) && !ME.ready -> ME.left = 0; ME.ready = true }
    :: d_step { ME.ready -> ME.ready = false; send_window(p) }
#endif

    /* The process is killed, and starts again with nothing. */
    :: d_step {
        true ->
        end_talk(p);
        ME.left = 0;
        ME.lease = 0;
        ME.ready = false;
#ifdef NO_BUS
        ME.told = 0;
#endif
#ifdef UNGATED
        ME.handing = false;
#endif
        i = 0;
        do :: i <= CHANGES -> ME.early[i] = 0; i++ :: else -> break od;
        i = 0
    }
    od
}

init {
    atomic {
        run Serve(0);
#if SERVERS > 1
        run Serve(1)
#endif
    }
}
