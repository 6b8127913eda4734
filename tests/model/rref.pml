/* docs/spec/rref.md as a state machine that spin(1) searches: three workers, one value, every order of events.
 *
 * Worker 0 owns the value. Worker 1 creates it there, or the owner has it from the start. Each may pass its references on to
 * the others, in frames of three sizes, fetch, and drop. At any step workers may die.
 *
 * A frame goes from its sender's queue, where small frames overtake large ones, to the wire, which keeps its order, and
 * from there to the receiver: at once, or through the queue of the bodies that are decoded one after the other. That is the
 * rules 1 to 4 of the specification, "kept" and "behind".
 *
 * With PARTED two that live may lose each other. With LENT one reference may also go by a way that is no frame, to any worker.
 *
 * What is checked:
 *   covered   the owner's entry is not let go while a living worker has a reference, or one is under way between them; and
 *             nobody who uses a reference finds the value gone. (Unless a worker died that had passed references on.)
 *   no leak   when all programs have dropped their references and all frames have arrived, there is no entry and no pin, but for
 *             a reference that is lent and, as its lender sees it, still to be taken.
 *
 * tests/model/check runs it, and runs it with each rule taken out (WITHOUT_...), which must then fail.
 */
#ifndef PASSES
#define PASSES 2 /* references passed on, in all */
#endif
#ifndef FETCHES
#define FETCHES 1
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#define N 3
#define OWNER 0
#define CREATOR 1
#define SLOTS 3 /* references that a worker may have at a time */
#ifndef Q
#define Q 5
#endif
#define AT(a, b) ((a) * N + (b)) /* from a to b */
#define SLOT(w, s) ((w) * SLOTS + (s))
#define NOTHING 9 /* no slot */
#define OWN 10    /* the slot of a pin of the owner's: a lease of its own */
#define ANYBODY 8 /* to whom a pin is that is lent */
#define NOBODY 8

mtype = { Create, Ref, Lease, ForkDone, OwnerLost, Taken, Release, Fetch, Death };

/* is it large, is its body decoded behind, what it is, fork number, parent, the slot that it keeps */
chan queued[9] = [Q] of { bit, bit, mtype, byte, byte, byte };
chan wire[9] = [Q] of { bit, mtype, byte, byte };
chan decoding[9] = [Q] of { mtype, byte, byte };

/* Each user's reference: whether its program has it, and how many frames and pins keep it. */
bit used[9];
byte kept[9];
byte pin_slot[9]; /* by worker and fork number; NOTHING: none */
byte pin_to[9];
byte forks[N];

/* The owner's. */
bit entry, expected, came;
byte leases[N];
byte own; /* references of the owner's own program */

bit dead[N];
bit sees_dead[9]; /* AT(who, whom) */
bit cut[9];       /* nothing that is written from here on arrives */
bit passed_on[N];
bit has_come_from[9]; /* AT(child, parent): a reference to the owner's value */
byte lender = NOBODY, lent_fork, taker = NOBODY; /* of the one that is lent */
byte passes, fetches, crashes;
bit strict = 1; /* nobody died through whom a reference came */

/* Scratch, back to 0 at the end of each step: it makes no states of its own. */
byte j, k, n;
bit big, slow;
mtype kind;
byte fork, parent, slot;

inline send(s_from, s_to, s_b, s_s, s_what, s_f, s_p, s_kept_slot) {
  if
  :: sees_dead[AT(s_from, s_to)] -> skip
  :: else ->
    assert(nfull(queued[AT(s_from, s_to)]));
    queued[AT(s_from, s_to)]!s_b, s_s, s_what, s_f, s_p, s_kept_slot
  fi
}

/* The reference goes once neither its program nor a frame nor a pin has it: then its lease is given back. */
inline let_go_if_unused(g_w, g_s) {
  if
  :: !used[SLOT(g_w, g_s)] && kept[SLOT(g_w, g_s)] == 0 -> send(g_w, OWNER, 0, 0, Release, 0, 0, NOTHING)
  :: else -> skip
  fi
}
inline keep_no_more(m_w, m_s) {
  if
  :: m_s != NOTHING ->
    kept[SLOT(m_w, m_s)]--;
    let_go_if_unused(m_w, m_s)
  :: else -> skip
  fi
}
inline take_slot(t_w) {
  slot = 0;
  do
  :: slot < SLOTS && (used[SLOT(t_w, slot)] || kept[SLOT(t_w, slot)] > 0) -> slot++
  :: else -> break
  od;
  assert(slot < SLOTS);
  used[SLOT(t_w, slot)] = 1
}

inline forget_if_unused() {
  if
  :: entry && !expected && leases[0] + leases[1] + leases[2] == 0 ->
    entry = 0;
    if
    :: strict ->
      for (n : 0 .. N * SLOTS - 1) {
        assert(dead[n / SLOTS] || !used[n] && kept[n] == 0)
      }
    :: else -> skip
    fi
  :: else -> skip
  fi;
  n = 0
}

/* An id that the owner is told of. What a worker said before it died may come when the value is gone: nobody uses it. */
inline expect(q_from) {
  if
  :: entry || own > 0 -> entry = 1
#ifndef WITHOUT_EXPECTATION
  :: !entry && own == 0 && !came && !sees_dead[AT(OWNER, CREATOR)] ->
    entry = 1;
    expected = 1
  :: !entry && own == 0 && (came || sees_dead[AT(OWNER, CREATOR)]) ->
#else
  :: else ->
#endif
    assert(!strict || dead[q_from]); /* the value is gone */
    entry = 1
  fi
}

inline unpin(u_w, u_f) {
  if
  :: pin_slot[AT(u_w, u_f)] != NOTHING ->
    slot = pin_slot[AT(u_w, u_f)];
    pin_slot[AT(u_w, u_f)] = NOTHING;
    if
    :: slot == OWN ->
      leases[OWNER]--;
      forget_if_unused()
    :: else -> keep_no_more(u_w, slot)
    fi
  :: else -> skip
  fi
}

/* Worker `to` handles what came from worker `from`. */
inline handle(h_from, h_to) {
  if
  :: kind == Create ->
    came = 1;
    entry = 1;
    expected = 0;
    leases[h_from]++
  :: kind == Ref && h_to == OWNER ->
    expect(h_from);
    own++;
    forget_if_unused()
  :: kind == Ref && h_to != OWNER ->
    take_slot(h_to);
    if
    :: h_from == OWNER -> skip
#ifndef WITHOUT_RETURN
    :: h_from != OWNER && sees_dead[AT(h_to, OWNER)] -> send(h_to, h_from, 0, 0, ForkDone, fork, 0, NOTHING)
#endif
    :: else ->
      has_come_from[AT(h_to, h_from)] = 1;
      send(h_to, OWNER, 0, 0, Lease, fork, h_from, NOTHING)
    fi
  :: kind == Lease ->
    expect(h_from);
    leases[h_from]++;
#ifndef WITHOUT_CONFIRMATION
    if
    :: parent == OWNER -> unpin(OWNER, fork)
    :: else -> send(OWNER, parent, 0, 0, ForkDone, fork, 0, NOTHING)
    fi
#endif
  :: kind == ForkDone -> unpin(h_to, fork)
  :: kind == OwnerLost -> end_pins(h_to, h_from)
  :: kind == Taken ->
    if
    :: pin_to[AT(h_to, fork)] == ANYBODY -> pin_to[AT(h_to, fork)] = h_from
    :: else -> skip
    fi
  :: kind == Release ->
    if
    :: entry && leases[h_from] > 0 ->
      leases[h_from]--;
      forget_if_unused()
    :: else -> skip
    fi
  :: kind == Fetch ->
    expect(h_from);
    forget_if_unused()
  :: kind == Death -> see_death(h_from, h_to)
  fi
}

/* The pins for a worker that has died or has lost the owner; all pins when the owner has died. */
inline end_pins(i_w, i_to) {
  for (k : 0 .. N - 1) {
    if
    :: pin_slot[AT(i_w, k)] != NOTHING && (pin_to[AT(i_w, k)] == i_to || i_to == OWNER) -> unpin(i_w, k)
    :: else -> skip
    fi
  }
}

inline see_death(d_who, d_w) {
  sees_dead[AT(d_w, d_who)] = 1;
  /* Frames that are not written are dropped, and keep nothing any more. */
  do
  :: queued[AT(d_w, d_who)]?big, slow, kind, fork, parent, slot -> keep_no_more(d_w, slot)
  :: empty(queued[AT(d_w, d_who)]) -> break
  od;
  if
  :: d_w == OWNER ->
#ifndef WITHOUT_END_OF_LEASES
    leases[d_who] = 0;
#endif
    if
    :: d_who == CREATOR -> expected = 0
    :: else -> skip
    fi;
    forget_if_unused()
  :: else -> skip
  fi;
#ifndef WITHOUT_END_OF_PINS
  end_pins(d_w, d_who);
#endif
#ifndef WITHOUT_NEWS_OF_THE_LOSS
  /* Its leases may be lost: who has passed such references on keeps no pins for them. */
  for (k : 0 .. N - 1) {
    if
    :: d_who == OWNER && has_come_from[AT(d_w, k)] -> send(d_w, k, 0, 0, OwnerLost, 0, 0, NOTHING)
    :: else -> skip
    fi
  }
#endif
}

/* What was written and has not been read yet is lost from some frame on; the end follows. */
inline end_of_connection(e_who, e_to) {
  select(k : 0 .. len(wire[AT(e_who, e_to)]));
  n = len(wire[AT(e_who, e_to)]);
  do
  :: n > 0 ->
    wire[AT(e_who, e_to)]?slow, kind, fork, parent;
    if
    :: k > 0 ->
      wire[AT(e_who, e_to)]!slow, kind, fork, parent;
      k--
    :: else -> skip
    fi;
    n--
  :: else -> break
  od;
  assert(nfull(wire[AT(e_who, e_to)]));
  wire[AT(e_who, e_to)]!0, Death, 0, 0;
  cut[AT(e_who, e_to)] = 1
}

inline clear(c_from, c_to) {
  do
  :: wire[AT(c_from, c_to)]?slow, kind, fork, parent
  :: empty(wire[AT(c_from, c_to)]) -> break
  od
}

inline die(x_w) {
  dead[x_w] = 1;
  if
  :: passed_on[x_w] || (x_w == CREATOR && !came) -> strict = 0
  :: else -> skip
  fi;
  for (j : 0 .. N - 1) {
    if
    :: j != x_w ->
      sees_dead[AT(x_w, j)] = 1;
      if
      :: !dead[j] -> end_of_connection(x_w, j)
      :: else -> skip
      fi;
      clear(j, x_w);
      do
      :: decoding[AT(j, x_w)]?kind, fork, parent
      :: empty(decoding[AT(j, x_w)]) -> break
      od;
      do
      :: queued[AT(x_w, j)]?big, slow, kind, fork, parent, slot
      :: empty(queued[AT(x_w, j)]) -> break
      od
    :: else -> skip
    fi
  }
}

/* A frame with a body of any size: at most 16 KiB, more, more than 256 KiB. */
inline any_size() {
  if
  :: big = 0; slow = 0
  :: big = 0; slow = 1
  :: big = 1; slow = 1
  fi
}

inline pass_on(p_w, p_to) {
  passes++;
  passed_on[p_w] = 1;
  any_size();
  if
  :: p_w == OWNER ->
#ifndef WITHOUT_LEASE_BEFORE_THE_FRAME
    entry = 1;
    leases[p_to]++;
#endif
    send(p_w, p_to, big, slow, Ref, 0, p_w, NOTHING)
  :: p_w != OWNER ->
    if
    :: p_to != OWNER ->
      fork = forks[p_w];
      forks[p_w]++;
#ifndef WITHOUT_PIN
      if
#ifndef WITHOUT_LOOK_AT_THE_OWNER
      :: sees_dead[AT(p_w, OWNER)] -> skip /* nobody would confirm it */
#endif
      :: else ->
        pin_slot[AT(p_w, fork)] = slot;
        pin_to[AT(p_w, fork)] = p_to;
        kept[SLOT(p_w, slot)]++
      fi
#endif
    :: else -> fork = 0
    fi;
#ifndef WITHOUT_KEEPING
    kept[SLOT(p_w, slot)]++;
    send(p_w, p_to, big, slow, Ref, fork, p_w, slot)
#else
    send(p_w, p_to, big, slow, Ref, fork, p_w, NOTHING)
#endif
  fi
}

/* The slot is in `slot`, unless the lender is the owner. */
inline lend(l_w) {
  passed_on[l_w] = 1;
  lender = l_w;
  lent_fork = forks[l_w];
  forks[l_w]++;
  if
  :: l_w == OWNER ->
    entry = 1;
    leases[OWNER]++;
    pin_slot[AT(l_w, lent_fork)] = OWN
  :: l_w != OWNER && !sees_dead[AT(l_w, OWNER)] ->
    pin_slot[AT(l_w, lent_fork)] = slot;
    kept[SLOT(l_w, slot)]++
  :: else -> skip
  fi;
  pin_to[AT(l_w, lent_fork)] = ANYBODY
}

inline take(t_w) {
  taker = t_w;
  if
  :: t_w == OWNER ->
    expect(OWNER);
    own++;
    if
    :: lender == OWNER -> unpin(OWNER, lent_fork)
    :: else -> send(OWNER, lender, 0, 0, ForkDone, lent_fork, 0, NOTHING)
    fi;
    forget_if_unused()
  :: else ->
    take_slot(t_w);
#ifndef WITHOUT_TAKEN
    if
    :: lender == t_w || lender == OWNER -> skip
    :: else -> send(t_w, lender, 0, 0, Taken, lent_fork, 0, NOTHING)
    fi;
#endif
    if
    :: sees_dead[AT(t_w, OWNER)] && lender == t_w -> unpin(t_w, lent_fork)
    :: sees_dead[AT(t_w, OWNER)] && lender != t_w -> send(t_w, lender, 0, 0, ForkDone, lent_fork, 0, NOTHING)
    :: else ->
      if
      :: lender != t_w -> has_come_from[AT(t_w, lender)] = 1
      :: else -> skip
      fi;
      send(t_w, OWNER, 0, 0, Lease, lent_fork, lender, NOTHING)
    fi
  fi
}

inline reset() {
  j = 0; k = 0; n = 0; big = 0; slow = 0; kind = Create; fork = 0; parent = 0; slot = 0
}

inline written(w_from, w_to) {
  if
  :: !dead[w_to] && !cut[AT(w_from, w_to)] ->
    assert(nfull(wire[AT(w_from, w_to)]));
    wire[AT(w_from, w_to)]!slow, kind, fork, parent
  :: else -> skip
  fi;
  keep_no_more(w_from, slot);
  reset()
}

/* What is between two workers, one way. */
proctype Link(byte from, to) {
end:
  do
  /* A frame is written: the first, or the first small one. */
  :: atomic {
      queued[AT(from, to)]?[1, slow, kind, fork, parent, slot] ->
      queued[AT(from, to)]?1, slow, kind, fork, parent, slot;
      written(from, to)
    }
  :: atomic {
      queued[AT(from, to)]??[0, slow, kind, fork, parent, slot] ->
      queued[AT(from, to)]??0, slow, kind, fork, parent, slot;
      written(from, to)
    }
  /* A frame arrives. */
  :: atomic {
      nempty(wire[AT(from, to)]) ->
      wire[AT(from, to)]?slow, kind, fork, parent;
#ifndef WITHOUT_BEHIND
      slow = slow || (kind == Release || kind == Death) && len(decoding[AT(from, to)]) > 0;
#endif
      if
      :: slow ->
        assert(nfull(decoding[AT(from, to)]));
        decoding[AT(from, to)]!kind, fork, parent
      :: else -> handle(from, to)
      fi;
      reset()
    }
  /* A body has been decoded. */
  :: atomic {
      nempty(decoding[AT(from, to)]) ->
      decoding[AT(from, to)]?kind, fork, parent;
      handle(from, to);
      reset()
    }
  od
}
#define HAS(w, s) (!dead[w] && used[SLOT(w, s)])
#define MAY_PASS(w, to) (passes < PASSES && !dead[w] && w != to && !sees_dead[AT(w, to)])
#define USE(w, s) \
  :: atomic { HAS(w, s) && MAY_PASS(w, 0) -> slot = s; pass_on(w, 0); reset() } \
  :: atomic { HAS(w, s) && MAY_PASS(w, 3 - w) -> slot = s; pass_on(w, 3 - w); reset() } \
  :: atomic { HAS(w, s) && fetches < FETCHES && !sees_dead[AT(w, OWNER)] -> \
      fetches++; send(w, OWNER, 0, 0, Fetch, 0, 0, NOTHING); reset() } \
  :: atomic { HAS(w, s) -> used[SLOT(w, s)] = 0; let_go_if_unused(w, s); reset() }

/* The program of a worker: it passes on, fetches and drops what it has. */
proctype User(byte w) {
end:
  do
  USE(w, 0)
  USE(w, 1)
  USE(w, 2)
  od
}
proctype Owner() {
end:
  do
  :: atomic { own > 0 && MAY_PASS(OWNER, 1) -> pass_on(OWNER, 1); reset() }
  :: atomic { own > 0 && MAY_PASS(OWNER, 2) -> pass_on(OWNER, 2); reset() }
  :: atomic { own > 0 && !dead[OWNER] -> own--; reset() }
  od
}

#ifdef LENT
proctype Lending() {
end:
  do
  :: atomic { lender == NOBODY && own > 0 && !dead[OWNER] -> lend(OWNER); reset() }
  :: atomic { lender == NOBODY && HAS(1, 0) -> slot = 0; lend(1); reset() }
  :: atomic { lender == NOBODY && HAS(2, 0) -> slot = 0; lend(2); reset() }
  :: atomic { lender != NOBODY && taker == NOBODY && !dead[0] -> take(0); reset() }
  :: atomic { lender != NOBODY && taker == NOBODY && !dead[1] -> take(1); reset() }
  :: atomic { lender != NOBODY && taker == NOBODY && !dead[2] -> take(2); reset() }
  od
}
#endif
#if CRASHES > 0
proctype Crashes() {
end:
  do
  :: atomic { crashes < CRASHES && !dead[0] -> crashes++; die(0); reset() }
  :: atomic { crashes < CRASHES && !dead[1] -> crashes++; die(1); reset() }
  :: atomic { crashes < CRASHES && !dead[2] -> crashes++; die(2); reset() }
  od
}
#endif
#ifdef PARTED
/* Two that live lose each other. */
inline part(c_a, c_b) {
  crashes++;
  strict = 0;
  end_of_connection(c_a, c_b);
  end_of_connection(c_b, c_a);
  reset()
}
proctype Cuts() {
end:
  do
  :: atomic { crashes == 0 -> part(0, 1) }
  :: atomic { crashes == 0 -> part(0, 2) }
  :: atomic { crashes == 0 -> part(1, 2) }
  od
}
#endif

init {
  atomic {
    for (k : 0 .. 8) { pin_slot[k] = NOTHING }
    if
    :: own = 1; came = 1
    :: any_size();
      used[SLOT(CREATOR, 0)] = 1;
#ifndef WITHOUT_KEEPING
      kept[SLOT(CREATOR, 0)] = 1;
      send(CREATOR, OWNER, big, slow, Create, 0, 0, 0)
#else
      send(CREATOR, OWNER, big, slow, Create, 0, 0, NOTHING)
#endif
    fi;
    reset();
    run Link(0, 1); run Link(0, 2); run Link(1, 0); run Link(1, 2); run Link(2, 0); run Link(2, 1);
    run Owner(); run User(1); run User(2);
#ifdef LENT
    run Lending();
#endif
#if CRASHES > 0
    run Crashes();
#endif
#ifdef PARTED
    run Cuts();
#endif
  }
  /* Nothing else can happen. */
  timeout;
#ifdef LENT
  /* Its lender, who has not heard that it was taken, keeps it for another: that is no leak. */
  atomic {
    if
    :: lender != NOBODY && !dead[lender] && pin_to[AT(lender, lent_fork)] == ANYBODY && pin_slot[AT(lender, lent_fork)] != NOTHING ->
      assert(taker == NOBODY || sees_dead[AT(lender, taker)]);
      unpin(lender, lent_fork);
      reset()
    :: else -> skip
    fi
  }
  timeout;
#endif
  assert(dead[OWNER] || (!entry && leases[1] + leases[2] == 0));
  for (k : 0 .. N * SLOTS - 1) {
    assert(dead[k / SLOTS] || (pin_slot[k] == NOTHING && kept[k] == 0))
  }
}
