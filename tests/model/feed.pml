/*
 * "Revoked means stopped": what a restored authority and a restored follower do to it.
 *
 * Shown here: when an authority goes back to an older state of its database (a backup, or a standby that lagged) and
 * begins a new epoch, still no letter is released after a revocation was acknowledged, and what an enforcement point
 * knew to be revoked never lives again there. Not here: deadlines, locks and hand-outs (revocation.pml); so a gate
 * transaction is one step, and M is nothing.
 *
 * Time and the bus are as in revocation.pml: spans count down, and any change of any history may arrive anywhere, at
 * any time, any number of times, or never.
 *
 * A history is what one line of the authority's databases committed. A restore begins another, which shares its
 * numbers up to the backup and gives later ones to other changes. An epoch is the name that followers know it by.
 * Each history has at most one revocation, under any number; the promise that was given for one that is then lost is
 * lost with it (see KEEP_PROMISE), and is given anew when the consent is revoked again.
 *
 * Sizes (-D): SERVERS processes, POINTS enforcement points they belong to, CHANGES a history may have, RESTORES; L.
 *
 * Parts that may be added (-D):
 *   POINT_RESTORED an enforcement point's database goes back as well; its processes are restarted with it
 *   REVERSIBLE     the change is of a kind that can be taken back (a suspension): a snapshot decides, what was known
 *                  before it does not count, and only the promise is looked at
 *
 * Errors that may be put in, each of which must be found (-D):
 *   RESURRECT      a snapshot overwrites what was known to be revoked
 *   STALE_SNAPSHOT a snapshot is taken over although another process has moved the point to another epoch meanwhile;
 *                  what is revoked for ever survives that, what is reversible does not
 *   NO_EPOCH       a restore does not begin an epoch; only a report from the future does, which comes too late
 *   NO_EPOCH_WAIT  a restored authority trusts its list of points at once
 *   WAIT_BY_NUMBER the authority survives the restore and goes on with the wait that it began for the same number
 *   KEEP_LEASES    a restored point's processes go on with their leases
 * and a limit that must show:
 *   KEEP_PROMISE   a promise is held to although the restore lost the revocation
 *
 * What is looked at (-D): REACH_x, that x can happen at all, by asserting that it cannot.
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
#ifndef RESTORES
#define RESTORES 1
#endif
#ifndef L
#define L 1
#endif

#define SPAN(n) ((n) + 1)
#ifdef NO_EPOCH
#define HISTORIES (2 * RESTORES + 1)
#else
#define HISTORIES (RESTORES + 1)
#endif
#define NO_EPOCH_YET 255
#define TICK(x) if :: x > 0 -> x-- :: else fi
#define POINT(p) ((p) % POINTS)

#define NOWHERE 0
#define ASKING 1
#define LEASED 2
#define SNAPSHOT 3

typedef History {
    byte epoch;
    byte top;          /* the number of the last change */
    byte revocation    /* the number of the revocation, 0 before it */
};
History history[HISTORIES];
byte now = 0;          /* the history that the authority is in */
byte restores = 0;

typedef Known {        /* what the authority has written down of a point */
    bool granted;
    byte epoch;        /* of the last report */
    byte first;        /* the number that the first lease of that epoch carried */
    byte reported
};
Known known[POINTS];
byte waiting = 0;      /* since the commit of the revocation */
#ifdef WAIT_BY_NUMBER
byte wait_number = 0;  /* which that was */
#endif
byte epoch_waiting = 0;/* since the restore */
bool acked = false;

typedef Backup {
    byte top;
    byte revocation
};
Backup backup;         /* the feed in the last backup, at first the empty one */
Known backup_known[POINTS];
Known nobody[POINTS];

typedef Point {
    byte epoch;
    byte applied;
    bool revoked;
    bool knew          /* looked at, not used: the revocation was applied here, ever */
};
Point point[POINTS];
Point point_backup[POINTS];

typedef Server {
    byte talk;         /* NOWHERE, ASKING, LEASED, SNAPSHOT */
    byte age;
    byte epoch;        /* of the point when it asked; of the authority when it answered */
    byte carried;      /* what was applied; the number of the lease or the snapshot */
#ifndef STALE_SNAPSHOT
    byte asked;        /* of the point when a snapshot was asked for */
#endif
    bool revoked;      /* what the snapshot says */
    byte lease[HISTORIES * SPAN(CHANGES)] /* what is left of the lease of an epoch that carried a number */
};
Server server[SERVERS];

#define ME server[p]
#define DATABASE point[POINT(p)]
#define NOW history[now]
#define PLACE(epoch, number) ((epoch) * SPAN(CHANGES) + (number))

/* ---- time ---- */

inline tick_server(p) {
    if :: ME.talk != NOWHERE && ME.age <= L -> ME.age++ :: else fi;
    i = 0;
    do :: i < HISTORIES * SPAN(CHANGES) -> TICK(ME.lease[i]); i++ :: else -> break od;
    i = 0
}

active proctype Clock() {
    byte i = 0;
    do
    :: d_step {
        true ->
        TICK(waiting);
        TICK(epoch_waiting);
        tick_server(0);
#if SERVERS > 1
        tick_server(1)
#endif
    }
    od
}

/* ---- the authority ---- */

#define COPY_KNOWN(to, from, e) \
    to[e].granted = from[e].granted; \
    to[e].epoch = from[e].epoch; \
    to[e].first = from[e].first; \
    to[e].reported = from[e].reported

/* What no restore will bring back is not kept: it would only multiply the states. */
inline drop_backup() {
    if
    :: restores == RESTORES ->
        backup.top = 0;
        backup.revocation = 0;
        COPY_KNOWN(backup_known, nobody, 0);
#if POINTS > 1
        COPY_KNOWN(backup_known, nobody, 1)
#endif
    :: else
    fi
}

/* The authority moves on first: what is passed in and speaks of the history before says `now - 1`. */
inline new_history(number, revoked, name) {
    now++;
    NOW.top = number;
    NOW.revocation = revoked;
    NOW.epoch = name;
    epoch_waiting = (name == history[now - 1].epoch -> 0 : SPAN(L))
}

inline grant(p, e) {
#ifdef NO_EPOCH
    if
    :: ME.epoch == NOW.epoch && ME.carried > NOW.top && now + 1 < HISTORIES ->
        new_history(history[now - 1].top, history[now - 1].revocation, history[now - 1].epoch + 1)
    :: else
    fi;
#endif
    if
    :: ME.epoch != NOW.epoch ->
        ME.talk = SNAPSHOT;
#ifndef STALE_SNAPSHOT
        ME.asked = ME.epoch;
#endif
        ME.revoked = NOW.revocation != 0
    :: else ->
        if
        :: !known[e].granted || known[e].epoch != NOW.epoch ->
            known[e].granted = true;
            known[e].epoch = NOW.epoch;
            known[e].first = NOW.top;
            known[e].reported = ME.carried
        :: else -> if :: known[e].reported < ME.carried -> known[e].reported = ME.carried :: else fi
        fi;
        ME.talk = LEASED
    fi;
    ME.epoch = NOW.epoch;
    ME.carried = NOW.top
}
/* A report from another epoch says nothing about this one. */
#define REPORTED_AT(e) (!known[e].granted || (known[e].epoch == NOW.epoch \
    && (known[e].first >= NOW.revocation || known[e].reported >= NOW.revocation)))
#if POINTS > 1
#define REPORTED (REPORTED_AT(0) && REPORTED_AT(1))
#else
#define REPORTED REPORTED_AT(0)
#endif
#ifdef NO_EPOCH_WAIT
#define HOLDS (REPORTED || waiting == 0)
#else
#define HOLDS (epoch_waiting == 0 && (REPORTED || waiting == 0))
#endif

active proctype Authority() {
    do
    :: d_step { NOW.top < CHANGES -> NOW.top++ }
    :: d_step {
        NOW.top < CHANGES && NOW.revocation == 0 ->
        NOW.top++;
        NOW.revocation = NOW.top;
#ifdef WAIT_BY_NUMBER
        if :: wait_number == NOW.top :: else -> waiting = SPAN(L) fi;
        wait_number = NOW.top
#else
        waiting = SPAN(L)
#endif
    }
    :: d_step { server[0].talk == ASKING -> grant(0, POINT(0)) }
#if SERVERS > 1
    :: d_step { server[1].talk == ASKING -> grant(1, POINT(1)) }
#endif
    :: d_step {
        NOW.revocation != 0 && !acked && HOLDS ->
        acked = true;
#ifdef REACH_ACK
        assert(restores == 0);
#endif
#ifdef REACH_ACK_BY_REPORT
        assert(restores == 0 || !known[0].granted || known[0].epoch != NOW.epoch
               || known[0].reported != NOW.revocation);
#endif
#ifdef WAIT_BY_NUMBER
        wait_number = 0;
#endif
        waiting = 0
    }
    :: d_step {
        restores < RESTORES ->
        backup.top = NOW.top;
        backup.revocation = NOW.revocation;
        COPY_KNOWN(backup_known, known, 0);
#if POINTS > 1
        COPY_KNOWN(backup_known, known, 1)
#endif
    }
    :: d_step {
        restores < RESTORES && now + 1 < HISTORIES ->
        restores++;
#ifdef NO_EPOCH
        new_history(backup.top, backup.revocation, history[now - 1].epoch);
#else
        new_history(backup.top, backup.revocation, history[now - 1].epoch + 1);
#endif
        COPY_KNOWN(known, backup_known, 0);
#if POINTS > 1
        COPY_KNOWN(known, backup_known, 1);
#endif
        drop_backup();
#ifndef WAIT_BY_NUMBER
        waiting = (NOW.revocation != 0 -> SPAN(L) : 0);
#endif
#ifndef KEEP_PROMISE
        if :: NOW.revocation == 0 -> acked = false :: else fi
#endif
    }
    od
}

/* ---- an enforcement point and its processes ---- */

inline end_talk(p) {
    ME.talk = NOWHERE;
    ME.age = 0;
    ME.epoch = 0;
    ME.carried = 0;
#ifndef STALE_SNAPSHOT
    ME.asked = 0;
#endif
    ME.revoked = false
}

inline drop_leases(p) {
    i = 0;
    do :: i < HISTORIES * SPAN(CHANGES) -> ME.lease[i] = 0; i++ :: else -> break od;
    i = 0
}

inline know(e) { point[e].revoked = true; point[e].knew = true }

#define COPY_POINT(to, from, e) \
    to[e].epoch = from[e].epoch; \
    to[e].applied = from[e].applied; \
    to[e].revoked = from[e].revoked; \
    to[e].knew = from[e].knew

/* Change k of history h is next, and follows under the epoch that the point is in. */
#define NEXT_OF(h) (history[h].epoch == DATABASE.epoch && (h) <= now && DATABASE.applied + 1 <= history[h].top)
inline apply(p, h) {
    DATABASE.applied++;
    if :: DATABASE.applied == history[h].revocation -> know(POINT(p)) :: else fi
}

/* A snapshot is taken over whole, if the point is still in the epoch that it was asked from. */
#ifdef STALE_SNAPSHOT
#define OUTDATED (DATABASE.epoch == ME.epoch && DATABASE.applied >= ME.carried)
#else
#define OUTDATED (DATABASE.epoch != ME.asked)
#endif
inline take_over(p) {
    if
    :: OUTDATED
    :: else ->
#if defined(RESURRECT) || defined(REVERSIBLE)
        DATABASE.revoked = false;
#endif
        if :: ME.revoked -> know(POINT(p)) :: else fi;
        DATABASE.epoch = ME.epoch;
        DATABASE.applied = ME.carried
    fi;
    end_talk(p)
}

/* The gate: read the facts, decide and commit, in one step here. */
#define MAY_PASS(number) ((number) <= DATABASE.applied && DATABASE.epoch != NO_EPOCH_YET && !DATABASE.revoked \
                          && ME.lease[PLACE(DATABASE.epoch, number)] > 0)
inline release(p) {
#ifdef REACH_RELEASE
    assert(restores == 0);
#endif
#ifndef REVERSIBLE
    assert(!DATABASE.knew);
#endif
    assert(!acked)
}

inline restart(p) { end_talk(p); drop_leases(p) }
inline restart_all(p) {
#if SERVERS > 1
    if :: POINT(1) == POINT(p) -> restart(1) :: else fi;
#endif
    if :: POINT(0) == POINT(p) -> restart(0) :: else fi
}

proctype Serve(byte p) {
    byte i = 0;
    do
    :: d_step { ME.talk == NOWHERE -> ME.talk = ASKING; ME.epoch = DATABASE.epoch; ME.carried = DATABASE.applied }
    :: d_step {
        ME.talk == LEASED ->
        if :: ME.age <= L -> ME.lease[PLACE(ME.epoch, ME.carried)] = SPAN(L) - ME.age :: else fi;
        end_talk(p)
    }
    :: d_step { ME.talk == SNAPSHOT -> take_over(p) }
    :: d_step { ME.talk != NOWHERE -> end_talk(p) }

    :: d_step { NEXT_OF(0) -> apply(p, 0) }
#if HISTORIES > 1
    :: d_step { NEXT_OF(1) -> apply(p, 1) }
#endif
#if HISTORIES > 2
    :: d_step { NEXT_OF(2) -> apply(p, 2) }
#endif

    :: d_step { MAY_PASS(0) -> release(p) }
    :: d_step { MAY_PASS(1) -> release(p) }
#if CHANGES > 1
    :: d_step { MAY_PASS(2) -> release(p) }
#endif

    :: d_step { true -> restart(p) } /* the process is killed and starts again */
#ifdef POINT_RESTORED
    :: d_step { true -> COPY_POINT(point_backup, point, POINT(p)) }
    :: d_step {
        true ->
        COPY_POINT(point, point_backup, POINT(p));
#ifndef KEEP_LEASES
        restart_all(p)
#endif
    }
#endif
    od
}

init {
    d_step {
        point[0].epoch = NO_EPOCH_YET;
        point_backup[0].epoch = NO_EPOCH_YET;
#if POINTS > 1
        point[1].epoch = NO_EPOCH_YET;
        point_backup[1].epoch = NO_EPOCH_YET
#endif
    }
    atomic {
        run Serve(0);
#if SERVERS > 1
        run Serve(1)
#endif
    }
}
