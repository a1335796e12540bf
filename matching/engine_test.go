package matching

import (
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
)

// TestRestIsOvertaken: when a job has no place any more, or is no more, its other
// handshakes end with the reason, and their people are free; what is agreed on or
// signed stays.
func TestRestIsOvertaken(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(w *world, p pairing, job, bound string) error
		reason string
	}{
		"filled": {func(w *world, p pairing, _, bound string) error { return w.accept(p.boss, bound) }, "others have taken the job's places"},
		"filled, and expired since": {func(w *world, p pairing, job, bound string) error {
			w.must(w.accept(p.boss, bound))
			w.clock.Set(w.getJob(job).Post.Deadline)
			_, err := w.board.Settle(w.ctx, "node", w.clock.Now()) // before the engine has read that it was filled
			return err
		}, "others have taken the job's places"},
		"closed": {func(w *world, p pairing, job, _ string) error {
			_, err := w.board.CloseJob(w.ctx, w.as(p.boss), w.cmd(p.boss), job, "the frost took the pears")
			return err
		}, "the employer has closed the job"},
		"removed": {func(w *world, _ pairing, job, _ string) error {
			_, err := w.board.RemoveJob(w.ctx, w.as(operator), w.cmd(operator), job, "a false post")
			return err
		}, "the post was removed by the market's operators"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p, q, r := w.pair(4, 2), w.pair(4, 2), w.pair(4, 2)
			s := market.DefaultSettings()
			s.Deadlines = market.OfferDeadlines{OfferMinutes: 10080, TalkMinutes: 20160, SignMinutes: 20160}
			_, err := w.board.ChangeSettings(w.ctx, w.as(operator), w.cmd(operator), county, s, "time to think")
			w.must(err)
			post := w.post(4, "2026-03-10", "2026-03-14")
			post.Deadline = w.clock.Now().Add(time.Hour)
			job := w.job(p.employer, p.boss, post)
			bound, err := w.invite(p.boss, job, p.team, 4)
			w.must(err)
			talk, err := w.invite(p.boss, job, q.team, 4)
			w.must(err)
			offer, err := w.invite(p.boss, job, r.team, 4)
			w.must(err)
			w.must(w.yes(p.chair, bound))
			w.must(w.accept(p.chair, bound))
			w.must(w.yes(q.chair, talk))
			w.must(c.end(w, p, job, bound))
			w.turn()
			w.settle()
			for _, id := range []string{talk, offer} {
				h := w.get(id)
				if h.State == Expired && id == offer {
					continue // with the post
				}
				if h = w.state(id, Overtaken); h.Ending.Reason != c.reason || h.Ending.Side != "" || !h.Released {
					t.Errorf("it ended: %+v", h.Ending)
				}
			}
			if n := w.getTeam(q.team).Available(post.Period, ""); n != 4 {
				t.Errorf("of who talked %d are free", n)
			}
			if c.reason == "others have taken the job's places" {
				w.state(bound, Agreed)
			} else {
				w.state(bound, Overtaken)
			}
			w.clean()
		})
	}
}

// TestAgreedStays when the employer closes the job: they have its places.
func TestAgreedStays(t *testing.T) {
	w := newWorld(t)
	p := w.pair(4, 2)
	job := w.job(p.employer, p.boss, w.post(8, "2026-03-10", "2026-03-14"))
	w.turn()
	id := w.with(job, p.team)
	w.agreed(id, p.boss, p.chair)
	_, err := w.board.CloseJob(w.ctx, w.as(p.boss), w.cmd(p.boss), job, "that is enough")
	w.must(err)
	w.turn()
	w.state(id, Agreed)
	w.must(w.sign(p.boss, id, Employer))
	w.must(w.sign(p.chair, id, Owner))
	w.state(id, Signed)
	w.clean()
}

// TestPlacesLeftAreOffered: of an agreement for fewer people than were offered the
// rest goes to others, also when the team itself is off the market.
func TestPlacesLeftAreOffered(t *testing.T) {
	w := newWorld(t)
	p := w.pair(4, 2)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	id := w.with(job, p.team)
	w.talking(id, p.boss, p.chair)
	_, err := w.board.CloseTeam(w.ctx, w.as(p.chair), w.cmd(p.chair), p.team, "harvest at home")
	w.must(err)
	q := w.pair(4, 2)
	w.turn()
	if hasOffer(w, job, q.team) {
		t.Fatal("places are offered that are in talks")
	}
	w.must(w.propose(p.chair, id, func(t *market.Terms) { t.People = 2 }))
	w.must(w.accept(p.boss, id))
	w.turn()
	if h := w.state(w.with(job, q.team), Offered); h.People != 2 {
		t.Errorf("of two places %d are offered", h.People)
	}
	w.clean()
}

// TestFreedPeopleAreOffered: people who become free, by an ending or an agreement for
// fewer, are offered the other jobs that wait for them.
func TestFreedPeopleAreOffered(t *testing.T) {
	w := newWorld(t)
	p := w.pair(4, 2)
	one := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	id := w.with(one, p.team)
	w.talking(id, p.boss, p.chair)
	two := w.job(p.employer, p.boss, w.post(2, "2026-03-12", "2026-03-16"))
	w.turn()
	if n := len(w.of(two)); n != 0 {
		t.Fatalf("%d offers to a team that is promised", n)
	}
	w.must(w.propose(p.chair, id, func(t *market.Terms) { t.People = 2 }))
	w.must(w.accept(p.boss, id))
	w.turn()
	waiting := w.with(two, p.team)
	w.talking(waiting, p.boss, p.chair)
	three := w.job(p.employer, p.boss, w.post(2, "2026-03-12", "2026-03-16"))
	w.turn()
	w.must(w.refuse(p.chair, id))
	w.turn()
	w.state(w.with(three, p.team), Offered)
	w.clean()
}

// TestCandidates: who could do a job, best first, and why others cannot; for its
// employer and the operators alone.
func TestCandidates(t *testing.T) {
	w := newWorld(t)
	p := w.pair(8, 2)
	owner, chair := w.party(market.Cooperative, false)
	team := func(change func(*market.TeamPost)) string {
		t.Helper()
		post := w.teamPost(8, 2)
		change(&post)
		it, err := w.board.CreateTeam(w.ctx, w.as(chair), w.cmd(chair), owner, post)
		w.must(err)
		_, err = w.board.OpenTeam(w.ctx, w.as(chair), w.cmd(chair), it.ID)
		w.must(err)
		return it.ID
	}
	team(func(p *market.TeamPost) { p.Free = []market.Period{{From: "2026-03-11", To: "2026-04-11"}} })
	joined := team(func(p *market.TeamPost) {
		p.Free = []market.Period{{From: "2026-03-12", To: "2026-04-11"}, {From: "2026-03-01", To: "2026-03-11"}}
		p.Headcount = 3
	})
	team(func(p *market.TeamPost) { p.Smallest = 5 })
	team(func(p *market.TeamPost) { p.LowestPay = 15_001 })
	team(func(p *market.TeamPost) { p.Base.Place, p.RadiusKm = "371526", 20 })
	team(func(p *market.TeamPost) { p.Trades = []string{"welding"} })
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	found, why, err := w.engine.Candidates(w.ctx, w.as(p.boss), job)
	w.must(err)
	if len(found) != 2 || found[0].Team != p.team || found[1].Team != joined || found[1].People != 3 {
		t.Errorf("the candidates are %+v", found)
	}
	want := map[Obstacle]int{NotFree: 1, TooMany: 1, PayTooLow: 1, TooFar: 1}
	for _, o := range why {
		if want[o.Obstacle] != o.Teams || o.Why.Zh == "" || o.Why.En == "" {
			t.Errorf("in the way: %+v", o)
		}
		delete(want, o.Obstacle)
	}
	if len(want) > 0 {
		t.Errorf("not in the way: %v", want)
	}
	total := 0
	for _, part := range found[0].Score.Parts {
		total += part.Points
		if part.Points < 0 || part.Points > part.Most || part.Why.Zh == "" {
			t.Errorf("a part of the score: %+v", part)
		}
	}
	if total != found[0].Score.Total || total > 1000 {
		t.Errorf("the score is %d of %d", total, found[0].Score.Total)
	}
	_, _, err = w.engine.Candidates(w.ctx, w.as(chair), job)
	w.want(err, fault.Forbidden)
	_, _, err = w.engine.Candidates(w.ctx, w.as(operator), job)
	w.must(err)
	w.turn()
	_, why, err = w.engine.Candidates(w.ctx, w.as(p.boss), job)
	w.must(err)
	if len(why) == 0 || why[len(why)-1].Obstacle != AskedBefore {
		t.Errorf("who has an offer is a candidate: %+v", why)
	}
}

// TestTwoEngines see the same and make the same.
func TestTwoEngines(t *testing.T) {
	w := newWorld(t)
	p := w.pair(8, 2)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	other := w.newNode()
	for range 3 {
		w.must(w.engine.Consider(w.ctx, job, 1))
		w.must(other.engine.Consider(w.ctx, job, 2))
	}
	if hs := w.of(job); len(hs) != 1 || hs[0].Doc.Team != p.team {
		t.Errorf("there are %d handshakes", len(hs))
	}
	w.clean()
}
