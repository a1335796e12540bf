package matching

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// TestDeadlinesCutOff: what people do at the last instant counts, what they do at
// the deadline does not, whether or not anybody has settled it.
func TestDeadlinesCutOff(t *testing.T) {
	late := func(err error) bool { return fault.Is(err, fault.Gone) }
	for name, c := range map[string]struct {
		lead func(w *world, p pairing, id string)
		act  func(w *world, p pairing, id string) error
		then State // after the act in time
	}{
		"offer": {
			func(w *world, p pairing, id string) { w.must(w.yes(p.boss, id)) },
			func(w *world, p pairing, id string) error { return w.yes(p.chair, id) }, Negotiating,
		},
		"talk": {
			func(w *world, p pairing, id string) { w.talking(id, p.boss, p.chair); w.must(w.accept(p.boss, id)) },
			func(w *world, p pairing, id string) error { return w.accept(p.chair, id) }, Agreed,
		},
		"terms": {
			func(w *world, p pairing, id string) { w.talking(id, p.boss, p.chair) },
			func(w *world, p pairing, id string) error {
				return w.propose(p.chair, id, func(t *market.Terms) { t.Pay.Amount++ })
			}, Negotiating,
		},
		"sign": {
			func(w *world, p pairing, id string) {
				w.agreed(id, p.boss, p.chair)
				w.must(w.sign(p.boss, id, Employer))
			},
			func(w *world, p pairing, id string) error { return w.sign(p.chair, id, Owner) }, Signed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.pair(8, 2)
			var ids []string
			for i := range 2 {
				from := market.Date("2026-03-10").Add(10 * i)
				job := w.job(p.employer, p.boss, w.post(4, from, from.Add(4)))
				w.turn()
				id := w.with(job, p.team)
				c.lead(w, p, id)
				ids = append(ids, id)
			}
			due := w.get(ids[0]).Deadline
			if !w.get(ids[1]).Deadline.Equal(due) {
				t.Fatal("the two have not the same deadline")
			}
			w.clock.Set(due.Add(-time.Nanosecond))
			w.settle()
			w.must(c.act(w, p, ids[0]))
			w.state(ids[0], c.then)
			w.clock.Set(due)
			if err := c.act(w, p, ids[1]); !late(err) {
				t.Errorf("at the deadline: %v", err)
			}
			w.settle()
			if h := w.state(ids[1], Expired); h.Ending.By != "system:settler" || !h.Ending.At.Equal(due) {
				t.Errorf("it ended: %+v", h.Ending)
			}
			if err := c.act(w, p, ids[1]); !late(err) {
				t.Errorf("after it was settled: %v", err)
			}
			w.clean()
		})
	}
}

// TestDeadlinesAreShort where the post's, or the work's last day, comes first.
func TestDeadlinesAreShort(t *testing.T) {
	w := newWorld(t)
	p := w.pair(8, 2)
	post := w.post(4, "2026-03-01", "2026-03-02")
	post.Deadline = w.clock.Now().Add(time.Hour)
	job := w.job(p.employer, p.boss, post)
	w.turn()
	id := w.with(job, p.team)
	if h := w.get(id); !h.Deadline.Equal(post.Deadline) {
		t.Errorf("the offer is good until %s, the post until %s", h.Deadline, post.Deadline)
	}
	w.clock.Add(time.Hour - time.Nanosecond)
	w.talking(id, p.boss, p.chair)
	if h := w.get(id); !h.Deadline.Equal(w.clock.Now().Add(24 * time.Hour)) {
		t.Errorf("there is talk until %s", h.Deadline)
	}
	w.clock.Add(20 * time.Hour) // the post has expired; talks go on
	w.settle()
	if j := w.getJob(job); j.State != market.JobExpired {
		t.Errorf("the job is %s", j.State)
	}
	w.must(w.propose(p.chair, id, func(t *market.Terms) { t.Period.From = "2026-03-02" }))
	w.must(w.accept(p.boss, id))
	if h := w.state(id, Agreed); !h.Deadline.Equal(post.Period.End()) {
		t.Errorf("it can be signed until %s, the work ends %s", h.Deadline, post.Period.End())
	}
	w.clock.Set(post.Period.End())
	w.settle()
	w.state(id, Expired)

	post = w.post(4, "2026-03-05", "2026-03-05")
	post.Deadline = post.Period.End()
	job = w.job(p.employer, p.boss, post)
	w.turn()
	id = w.with(job, p.team)
	w.clock.Set(post.Period.End().Add(-time.Minute))
	w.settle()
	w.state(id, Expired)
	id, err := w.apply(p.chair, job, p.team, 0)
	w.must(err)
	w.must(w.yes(p.boss, id))
	if h := w.state(id, Negotiating); !h.Deadline.Equal(post.Period.End()) {
		t.Errorf("there is talk until %s about work until %s", h.Deadline, post.Period.End())
	}
	w.clean()
}

// TestDaysOfShanghai: work begins and ends at midnight there, at the ends of months
// and years too.
func TestDaysOfShanghai(t *testing.T) {
	for _, days := range []market.Period{
		{From: "2026-12-31", To: "2027-01-01"},
		{From: "2027-01-01", To: "2027-01-01"},
		{From: "2026-03-31", To: "2026-04-01"},
		{From: "2028-02-28", To: "2028-02-29"},
		{From: "2028-02-29", To: "2028-03-01"},
	} {
		t.Run(string(days.From), func(t *testing.T) {
			w := newWorld(t)
			w.clock.Set(shanghai(string(days.From.Add(-2)), "23:30:00"))
			w.free = market.Period{From: days.From.Add(-2), To: days.To.Add(3)}
			p := w.pair(8, 2)
			job := w.job(p.employer, p.boss, w.post(4, days.From, days.To))
			w.turn()
			id := w.with(job, p.team)
			w.clock.Set(shanghai(string(days.From.Add(-1)), "00:30:00")) // over a midnight
			w.signed(id, p.boss, p.chair)
			for _, step := range []struct {
				at   time.Time
				want State
			}{
				{shanghai(string(days.From.Add(-1)), "23:59:59"), Signed},
				{shanghai(string(days.From), "00:00:00"), Working},
				{shanghai(string(days.To), "23:59:59"), Working},
				{shanghai(string(days.To.Add(1)), "00:00:00"), Done},
			} {
				w.clock.Set(step.at)
				w.settle()
				w.state(id, step.want)
			}
			if at := w.get(id).Ending.At; at.Format("15:04:05") != "16:00:00" {
				t.Errorf("it ended at %s", at)
			}
			w.clean()
		})
	}
}

// TestDownForLong: what fell due while no node ran is done when one runs again, each
// once and in order.
func TestDownForLong(t *testing.T) {
	w := newWorld(t)
	p := w.pair(8, 2)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	id := w.with(job, p.team)
	w.signed(id, p.boss, p.chair)
	w.clock.Add(365 * 24 * time.Hour)
	w.restart()
	for range 4 {
		w.settle()
	}
	w.state(id, Done)
	acts := w.trail(id)
	if want := []string{"handshake.start", "handshake.finish", "handshake.released"}; !slices.Equal(acts[len(acts)-3:], want) {
		t.Errorf("it ended with %v", acts)
	}
	w.clean()
}

// TestDeadlineRaces: an act and its deadline, in both orders and at once, settled by
// two nodes: one of them counts, once.
func TestDeadlineRaces(t *testing.T) {
	w := newWorld(t)
	p := w.pair(40, 1)
	first := func() string {
		job := w.job(p.employer, p.boss, w.post(1, "2026-03-10", "2026-03-14"))
		id, err := w.invite(p.boss, job, p.team, 1)
		w.must(err)
		return id
	}
	settled, acted := first(), first()
	var racing []string
	for range 8 {
		racing = append(racing, first())
	}
	due := w.get(settled).Deadline
	in := due.Add(-time.Millisecond) // when the acts were taken in
	other := w.newNode()
	act := func(n *node, id string) error {
		cmd := w.as(p.chair).Command("act on "+id, in)
		_, err := n.handshakes.Yes(w.ctx, w.as(p.chair), cmd, id, Event{})
		return err
	}
	w.must(act(w.node, acted)) // before
	w.clock.Set(due)
	var g sync.WaitGroup
	errs := make([]error, len(racing))
	for _, n := range []*node{w.node, other} {
		g.Go(func() {
			if err := n.engine.SettleOnce(w.ctx); err != nil {
				t.Error(err)
			}
		})
	}
	for i, id := range racing {
		g.Go(func() { errs[i] = act(other, id) })
	}
	g.Wait()
	w.settle()
	w.state(acted, Negotiating)
	w.state(settled, Expired)
	w.want(act(w.node, settled), fault.Gone) // it came in time, and was written too late
	n := map[State]int{}
	for i, id := range racing {
		h := w.get(id)
		n[h.State]++
		if (errs[i] == nil) != (h.State == Negotiating) || errs[i] != nil && !fault.Is(errs[i], fault.Gone) {
			t.Errorf("it is %s, and the act was told %v", h.State, errs[i])
		}
	}
	if n[Negotiating]+n[Expired] != len(racing) {
		t.Errorf("they are %v", n)
	}
	for _, id := range append(racing, settled) {
		expired := 0
		for _, a := range w.trail(id) {
			if a == "handshake.expire" {
				expired++
			}
		}
		if is := w.get(id).State == Expired; expired != 1 && is || expired != 0 && !is {
			t.Errorf("it expired %d times", expired)
		}
	}
	w.clean()
}

// TestSecondClicks: the same act again, by the same command or by another, changes
// nothing and is no error, whatever has become of it.
func TestSecondClicks(t *testing.T) {
	w := newWorld(t)
	p := w.pair(8, 2)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	id := w.with(job, p.team)
	twice := func(name, person string, e Event, act func(h *Handshakes, by market.Caller, cmd store.Command, e Event) error) {
		t.Helper()
		cmd := w.cmd(person)
		w.must(act(w.handshakes, w.as(person), cmd, e))
		rev := w.rev(id)
		w.must(act(w.handshakes, w.as(person), cmd, e))           // the same command
		w.must(act(w.handshakes, w.as(person), w.cmd(person), e)) // another
		if again := w.rev(id); again != rev {
			t.Errorf("%s again: revision %d becomes %d", name, rev, again)
		}
	}
	yes := func(h *Handshakes, by market.Caller, cmd store.Command, e Event) error {
		_, err := h.Yes(w.ctx, by, cmd, id, e)
		return err
	}
	accept := func(h *Handshakes, by market.Caller, cmd store.Command, e Event) error {
		_, err := h.Accept(w.ctx, by, cmd, id, e)
		return err
	}
	propose := func(h *Handshakes, by market.Caller, cmd store.Command, e Event) error {
		_, err := h.Propose(w.ctx, by, cmd, id, e)
		return err
	}
	sign := func(h *Handshakes, by market.Caller, cmd store.Command, e Event) error {
		_, err := h.Sign(w.ctx, by, cmd, id, e)
		return err
	}
	breakOff := func(h *Handshakes, by market.Caller, cmd store.Command, e Event) error {
		_, err := h.BreakOff(w.ctx, by, cmd, id, e)
		return err
	}
	twice("the owner's yes", p.chair, Event{}, yes)
	twice("the employer's yes", p.boss, Event{}, yes)
	opening := w.get(id).Newest()
	terms := opening.Terms
	terms.Pay.Amount++
	twice("a proposal", p.boss, Event{Terms: terms, Hash: opening.Hash}, propose)
	twice("an acceptance", p.chair, Event{Hash: w.get(id).Newest().Hash}, accept)
	w.state(id, Agreed)
	twice("the owner's signature", p.chair, signature(Owner), sign)
	twice("the employer's signature", p.boss, signature(Employer), sign)
	w.must(w.yes(p.chair, id)) // long after
	twice("the end", p.boss, reason("the harvest is lost"), breakOff)
	twice("the end, by the other", p.chair, reason("the harvest is lost"), breakOff)
	if n := w.contract.drafts; n != 1 {
		t.Errorf("%d contracts were drafted", n)
	}
	if acts := fmt.Sprint(w.trail(id)); w.get(id).Ending.Side != Employer {
		t.Errorf("it ended by %s: %s", w.get(id).Ending.Side, acts)
	}
	w.clean()
}
