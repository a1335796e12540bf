package matching

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// A node that stops in the middle of a step, while another takes the step to its
// end and the world goes on, does no harm when it wakes up: what it asks was
// answered. meanwhile runs under the first write to a collection that the sleeping
// node sends; its write is then made anew on what is there.
func (w *world) meanwhile(collection string, awake func()) {
	slept := false
	w.db.before = func(_ int, write store.Write) error {
		if write.Collection != collection || slept {
			return nil
		}
		slept = true
		awake()
		return nil
	}
}

// TestLateAdmission: a lower tier that was refused in the first look is not admitted
// by who asks the job after it closed.
func TestLateAdmission(t *testing.T) {
	w := newWorld(t)
	employer, boss := w.party(market.Company, false)
	other, somebody := w.party(market.Company, false)
	team := w.team(other, somebody, 4, 2)
	job := w.job(employer, boss, w.post(4, "2026-03-10", "2026-03-14"))
	awake := w.newNode()
	// The intent is there, as two who were faster than the first look would leave it.
	id := "h-late"
	_, err := w.handshakes.c.Create(w.ctx, id, w.cmd(somebody), func(h *Handshake) ([]store.Entry, error) {
		*h = *situation(t, "P")
		h.Job, h.Team, h.Tier, h.People, h.Origin = job, team, 3, 4, Application
		return []store.Entry{store.Audit("handshake.propose", "", nil)}, nil
	})
	w.must(err)
	w.meanwhile("jobs", func() {
		if _, err := awake.handshakes.Advance(w.ctx, id); err != nil {
			t.Error(err)
		}
		w.clock.Set(w.getJob(job).Look.Ends)
		if _, err := awake.board.Settle(w.ctx, "awake", w.clock.Now()); err != nil {
			t.Error(err)
		}
	})
	_, err = w.handshakes.Advance(w.ctx, id)
	w.must(err)
	if h := w.state(id, Withdrawn); !h.Released {
		t.Error("it is not released")
	}
	if j := w.getJob(job); j.LookOpen() || j.Out() != 0 {
		t.Errorf("the job has %d people out", j.Out())
	}
	w.clean()
}

// TestLateHold: people that were refused are not promised by who asks the team when
// they are free again.
func TestLateHold(t *testing.T) {
	w := newWorld(t)
	p := w.pair(4, 2)
	one := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	two := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	id, err := w.invite(p.boss, one, p.team, 4)
	w.must(err)
	busy, err := w.invite(p.boss, two, p.team, 4)
	w.must(err)
	awake := w.newNode()
	w.meanwhile("teams", func() {
		for _, step := range []func() error{
			func() error { return w.yes(p.chair, busy) },
			func() error { _, err := awake.handshakes.Advance(w.ctx, id); return err },
			func() error { return w.withdraw(p.boss, busy) },
		} {
			if err := step(); err != nil {
				t.Error(err)
			}
		}
	})
	w.want(w.yes(p.chair, id), fault.Conflict)
	w.state(busy, Withdrawn)
	if h := w.state(id, Offered); h.Owner.Yes != nil || w.getTeam(p.team).Holds[id].People != 0 {
		t.Errorf("the yes came to nothing, and the team holds %+v", w.getTeam(p.team).Holds[id])
	}
	w.clean()
	w.must(w.yes(p.chair, id)) // another yes is another request
	w.state(id, Negotiating)
	w.clean()
}

// TestLateClaim: terms that the team could not keep claim no places by who asks when
// it could.
func TestLateClaim(t *testing.T) {
	w, p, id := talks(t)
	job := w.get(id).Job
	w.must(w.propose(p.boss, id, func(t *market.Terms) { t.People = 1 })) // fewer than a group
	awake := w.newNode()
	w.meanwhile("teams", func() {
		if _, err := awake.handshakes.Advance(w.ctx, id); err != nil {
			t.Error(err)
		}
		post := w.teamPost(8, 1)
		if _, err := w.board.EditTeam(w.ctx, w.as(p.chair), w.cmd(p.chair), p.team, post); err != nil {
			t.Error(err)
		}
	})
	w.want(w.accept(p.chair, id), fault.Conflict)
	if j := w.getJob(job); j.Claimed() != 0 || w.getTeam(p.team).Holds[id].People != 4 {
		t.Errorf("%d places are claimed for terms that are void", j.Claimed())
	}
	w.clean()
	// And one that sleeps between the team and the job.
	w.must(w.propose(p.chair, id, func(t *market.Terms) { t.People = 2 }))
	w.meanwhile("jobs", func() {
		if _, err := awake.handshakes.Advance(w.ctx, id); err != nil {
			t.Error(err)
		}
		if err := w.refuse(p.boss, id); err != nil {
			t.Error(err)
		}
	})
	w.must(w.acceptUntilOver(p.boss, id))
	if j := w.getJob(job); j.Claimed() != 0 || !w.getTeam(p.team).Holds[id].Over {
		t.Errorf("%d places are claimed for what has ended", j.Claimed())
	}
	w.state(id, Refused)
	w.clean()
}

// TestLateOutcome: the answer to a request of before is not taken for the answer to
// the one that is under way.
func TestLateOutcome(t *testing.T) {
	w := newWorld(t)
	id := "h-late"
	it, err := w.handshakes.c.Create(w.ctx, id, w.cmd("p"), func(h *Handshake) ([]store.Entry, error) {
		*h = *situation(t, "Oo*")
		return []store.Entry{store.Audit("handshake.ask_hold", "", nil)}, nil
	})
	w.must(err)
	refused := fault.New(fault.Conflict, "only 3 of the team are free")
	for _, asked := range []int{0, 2, 1} {
		it.Doc.Asked = asked
		w.must(w.handshakes.outcome(w.ctx, it, fmt.Sprint("hold", asked), func(h *Handshake, now time.Time) ([]store.Entry, error) {
			return h.Held(id, refused, now)
		}))
		if h := w.get(id); h.Holding == (asked == 1) {
			t.Errorf("request 1 is answered by the answer to %d", asked)
		}
	}
}

// acceptUntilOver accepts what has ended before the answer comes.
func (w *world) acceptUntilOver(person, id string) error {
	if err := w.accept(person, id); !fault.Is(err, fault.Gone) {
		return err
	}
	return nil
}

// TestCheckWhileItWorks: the check may run at any time, and finds nothing that is
// only under way.
func TestCheckWhileItWorks(t *testing.T) {
	w := newWorld(t)
	p := w.pair(40, 1)
	ctx, stop := context.WithCancel(w.ctx)
	type result struct {
		n      int
		report store.Report
		err    error
	}
	done, n := make(chan result), w.newNode()
	go func() {
		var r result
		for ; r.n == 0 || r.err == nil && ctx.Err() == nil; r.n++ {
			r.err = errors.Join(n.board.Check(w.ctx, &r.report), n.handshakes.Check(w.ctx, &r.report))
		}
		done <- r
	}()
	for i := range 5 {
		job := w.job(p.employer, p.boss, w.post(1, "2026-03-10", "2026-03-14"))
		w.turn()
		id := w.with(job, p.team)
		w.signed(id, p.boss, p.chair)
		if i%2 == 0 {
			w.must(w.breakOff(p.boss, id))
		}
	}
	stop()
	r := <-done
	w.must(r.err)
	if len(r.report.Findings) > 0 {
		t.Errorf("%d checks found %v", r.n, r.report.Findings)
	}
	w.clean()
}
