package matching

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// errDied is what a process is told that is no more.
var errDied = fault.New(fault.Unavailable, "the process died")

// dieAt lets the process die with its k-th write from now: before it is written, or
// when it was, and nobody heard of it. Nothing is written after.
func (w *world) dieAt(k int, written bool) {
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	w.db.writes = 0
	w.db.before = func(n int, _ store.Write) error {
		if n > k || n == k && !written {
			return errDied
		}
		return nil
	}
	w.db.after = func(n int, _ store.Write) error {
		if n == k {
			return store.ErrUnknown
		}
		return nil
	}
}

// cast is who plays in the story.
type cast struct {
	boss, chairA, chairB, chairC string
	teamA, teamB, teamC, job     string
}

// story is a whole life of a job, as steps that can each be done again: a first look
// with two cooperatives, one that agrees on fewer, signs and works; one that
// declines; an invitation to a third, that applies anew after it was turned away.
func story(c cast) []func(w *world) error {
	person := func(who string, n int, do func(w *world, by market.Caller, cmd store.Command) error) func(*world) error {
		return func(w *world) error {
			by := w.as(who)
			return do(w, by, by.Command(fmt.Sprint("step ", n), w.clock.Now()))
		}
	}
	of := func(w *world, team string) string { return w.with(c.job, team) }
	event := func(act func(h *Handshakes) func(context.Context, market.Caller, store.Command, string, Event) (store.Item[Handshake], error), team string, e func(h *Handshake) Event) func(*world, market.Caller, store.Command) error {
		return func(w *world, by market.Caller, cmd store.Command) error {
			id := of(w, team)
			_, err := act(w.handshakes)(w.ctx, by, cmd, id, e(w.get(id)))
			return err
		}
	}
	turn := func(w *world) error { return w.follow() }
	at := func(t time.Time) func(w *world) error {
		return func(w *world) error {
			w.clock.Set(t)
			return errors.Join(w.engine.SettleOnce(w.ctx), w.follow())
		}
	}
	none := func(*Handshake) Event { return Event{} }
	newest := func(h *Handshake) Event { return Event{Hash: h.Newest().Hash} }
	why := func(*Handshake) Event { return Event{Reason: "we are away then"} }
	yes := func(h *Handshakes) func(context.Context, market.Caller, store.Command, string, Event) (store.Item[Handshake], error) {
		return h.Yes
	}
	return []func(w *world) error{
		turn,
		person(c.boss, 1, event(yes, c.teamA, none)),
		person(c.chairA, 2, event(yes, c.teamA, none)),
		person(c.chairA, 3, event(func(h *Handshakes) func(context.Context, market.Caller, store.Command, string, Event) (store.Item[Handshake], error) {
			return h.Propose
		}, c.teamA, func(h *Handshake) Event {
			terms := h.Proposed[0].Terms
			terms.People = 3
			return Event{Terms: terms, Hash: h.Proposed[0].Hash}
		})),
		person(c.boss, 4, event(func(h *Handshakes) func(context.Context, market.Caller, store.Command, string, Event) (store.Item[Handshake], error) {
			return h.Accept
		}, c.teamA, newest)),
		person(c.chairB, 5, event(func(h *Handshakes) func(context.Context, market.Caller, store.Command, string, Event) (store.Item[Handshake], error) {
			return h.Decline
		}, c.teamB, why)),
		turn,
		person(c.boss, 6, event(signing, c.teamA, func(*Handshake) Event { return signature(Employer) })),
		person(c.chairA, 7, event(signing, c.teamA, func(*Handshake) Event { return signature(Owner) })),
		person(c.chairC, 8, event(func(h *Handshakes) func(context.Context, market.Caller, store.Command, string, Event) (store.Item[Handshake], error) {
			return h.Withdraw
		}, c.teamC, why)),
		person(c.chairC, 9, func(w *world, by market.Caller, cmd store.Command) error {
			_, err := w.handshakes.Apply(w.ctx, by, cmd, c.job, c.teamC, 2)
			return err
		}),
		person(c.boss, 10, event(yes, c.teamC, none)),
		turn,
		at(shanghai("2026-03-10", "00:00:00")),
		at(shanghai("2026-03-15", "00:00:00")),
	}
}

func signing(h *Handshakes) func(context.Context, market.Caller, store.Command, string, Event) (store.Item[Handshake], error) {
	return h.Sign
}

// beginning makes what is there before the story.
func beginning(t *testing.T) (*world, cast) {
	w := newWorld(t)
	var c cast
	a, b := w.pair(4, 2), w.pair(4, 2)
	agency, chairC := w.party(market.Agency, true)
	c.boss, c.chairA, c.chairB, c.chairC = a.boss, a.chair, b.chair, chairC
	c.teamA, c.teamB, c.teamC = a.team, b.team, w.team(agency, chairC, 5, 2)
	c.job = w.job(a.employer, a.boss, w.post(6, "2026-03-10", "2026-03-14"))
	w.turn()
	if w.get(w.with(c.job, c.teamA)).People != 4 { // who is offered 4 places and who 2 is not for us to choose
		c.chairA, c.chairB, c.teamA, c.teamB = c.chairB, c.chairA, c.teamB, c.teamA
	}
	return w, c
}

// moment is a store as it was before one step of the story.
type moment struct {
	dir string
	at  time.Time
}

// keep copies the store as it is now.
func (w *world) keep(t *testing.T) moment {
	t.Helper()
	w.must(w.db.Close())
	m := moment{t.TempDir(), w.clock.Now()}
	w.must(os.CopyFS(m.dir, os.DirFS(filepath.Dir(w.path))))
	w.open()
	return m
}

// from opens a copy of the store as it was.
func from(t *testing.T, m moment) *world {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: t.Context(), path: filepath.Join(dir, "hezuo.db"), clock: &clock{now: m.at}, db: &faultyDB{}}
	w.contract = &fakeContract{t: t}
	w.open()
	return w
}

// play plays the rest of the story. Whenever the process died it is started anew,
// finishes what it finds, and the step is done again by the same command.
func (w *world) play(steps []func(*world) error) (deaths int) {
	w.t.Helper()
	for i, step := range steps {
		err := step(w)
		for try := 0; err != nil; try++ {
			if try > 3 || !errors.Is(err, errDied) && !errors.Is(err, store.ErrUnknown) {
				w.t.Fatalf("step %d: %v", i, err)
			}
			deaths++
			w.restart()
			w.must(w.engine.SettleOnce(w.ctx))
			var r store.Report
			w.must(w.handshakes.Check(w.ctx, &r)) // of all rooms at the end
			if len(r.Findings) > 0 {
				w.t.Fatalf("after the death in step %d: %v", i, r.Findings)
			}
			err = step(w)
		}
	}
	w.settle()
	return deaths
}

// outcome tells how the story ended, without times and ids.
func (w *world) outcome(c cast) string {
	w.t.Helper()
	names := map[string]string{c.teamA: "A", c.teamB: "B", c.teamC: "C"}
	var out []string
	for _, it := range w.of(c.job) {
		h := it.Doc
		why := ""
		if h.Ending != nil {
			why = h.Ending.Reason
		}
		out = append(out, fmt.Sprint(names[h.Team], " ", h.Origin, " ", h.State, " ", h.People, " ", why, " ", h.Released, " ", strings.Join(w.trail(it.ID), " ")))
	}
	slices.Sort(out)
	j := w.getJob(c.job)
	out = append(out, fmt.Sprint(j.State, j.Look.Closed, j.Ticks, j.Free(), len(j.Admitted)))
	for _, team := range []string{c.teamA, c.teamB, c.teamC} {
		for _, h := range w.getTeam(team).Holds {
			out = append(out, fmt.Sprint(names[team], h.People, h.Period, h.Over, h.Asked, h.Refused))
		}
	}
	return strings.Join(out, "\n")
}

// TestDeathAtEveryWrite: the process dies at each write of the story in turn, before
// it or after. The story has the same end, and the store is sound at every start.
func TestDeathAtEveryWrite(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // it opens a store a hundred times
	w, c := beginning(t)
	steps := story(c)
	var moments []moment
	var writes []int // of each step
	for _, step := range steps {
		moments = append(moments, w.keep(t))
		w.must(step(w))
		writes = append(writes, w.db.writes)
	}
	w.play(nil)
	w.clean()
	want, all := w.outcome(c), 0
	for _, ending := range []string{"A engine done 3", "B engine declined 2", "C engine withdrawn", "C application expired"} {
		if !strings.Contains(want, ending) {
			t.Fatalf("the story has another end than was written:\n%s", want)
		}
	}
	full := os.Getenv("HEZUO_PROVE") == "full"
	for i, m := range moments {
		for k := 1; k <= writes[i]; k++ {
			all++
			for _, written := range []bool{false, true} {
				if !full && written == (all%2 == 0) {
					continue // one of the two at each write; both where all is to be proven
				}
				w := from(t, m)
				w.dieAt(k, written)
				if n := w.play(steps[i:]); n != 1 {
					t.Fatalf("the process was to die once, at write %d of step %d, and died %d times", k, i, n)
				}
				w.clean()
				if got := w.outcome(c); got != want {
					t.Errorf("the process died at write %d of step %d, written %v, and the story ends with\n%s\nwant\n%s", k, i, written, got, want)
				}
				w.must(w.db.Close())
			}
		}
	}
	if all < 40 {
		t.Errorf("the story has %d writes only", all)
	}
}
