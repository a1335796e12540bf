package matching

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
)

// TestSeveralTeams fill one job (抱团): each has its own handshake, and what one
// agrees on for fewer is offered to another.
func TestSeveralTeams(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.pair(4, 2), w.pair(4, 2), w.pair(4, 2)
	job := w.job(a.employer, a.boss, w.post(8, "2026-03-10", "2026-03-14"))
	w.turn()
	var offered, left []pairing
	for _, p := range []pairing{a, b, c} {
		if hasOffer(w, job, p.team) {
			offered = append(offered, p)
		} else {
			left = append(left, p)
		}
	}
	if len(offered) != 2 || len(left) != 1 {
		t.Fatalf("%d of 3 teams are offered 8 places", len(offered))
	}
	w.signed(w.with(job, offered[0].team), a.boss, offered[0].chair)
	fewer := w.with(job, offered[1].team)
	w.talking(fewer, a.boss, offered[1].chair)
	w.must(w.propose(offered[1].chair, fewer, func(t *market.Terms) { t.People = 2 }))
	w.must(w.accept(a.boss, fewer))
	w.turn()
	last := w.with(job, left[0].team) // the two places that were left
	if h := w.state(last, Offered); h.People != 2 {
		t.Errorf("the third team is offered %d places", h.People)
	}
	w.agreed(last, a.boss, left[0].chair)
	w.turn()
	if j := w.getJob(job); j.State != market.JobFilled || j.Free() != 0 {
		t.Errorf("the job is %s with %d free places", j.State, j.Free())
	}
	w.clean()
}

func hasOffer(w *world, job, team string) bool {
	for _, it := range w.of(job) {
		if it.Doc.Team == team && !it.Doc.State.Over() {
			return true
		}
	}
	return false
}

// TestManyRace: many teams have an offer for few places and accept at once. Exactly
// the places are claimed; the others are overtaken, and their people are free.
func TestManyRace(t *testing.T) {
	const teams, places = 16, 3
	w := newWorld(t)
	employer, boss := w.party(market.Company, false)
	s := market.DefaultSettings()
	s.OffersPerPlace = 10
	_, err := w.board.ChangeSettings(w.ctx, w.as(operator), w.cmd(operator), county, s, "for the race")
	w.must(err)
	job := w.job(employer, boss, w.post(places, "2026-03-10", "2026-03-14"))
	var ids, chairs []string
	for range teams {
		coop, chair := w.party(market.Cooperative, false)
		team := w.team(coop, chair, 1, 1)
		id, err := w.invite(boss, job, team, 1)
		w.must(err)
		w.must(w.yes(chair, id))
		w.must(w.accept(chair, id))
		ids, chairs = append(ids, id), append(chairs, chair)
	}
	var g sync.WaitGroup
	by, now, errs := w.as(boss), w.clock.Now(), make([]error, teams)
	for i, id := range ids {
		hash, n := w.get(id).Newest().Hash, w.node
		if i%2 == 1 {
			n = w.newNode()
		}
		g.Go(func() {
			_, errs[i] = n.handshakes.Accept(w.ctx, by, by.Command(fmt.Sprint("race ", i), now), id, Event{Hash: hash})
		})
	}
	g.Wait()
	w.turn()
	agreed := 0
	for i, id := range ids {
		h := w.get(id)
		team := w.getTeam(h.Team)
		switch h.State {
		case Agreed:
			agreed++
			if errs[i] != nil || team.Holds[id].Over {
				t.Errorf("who has places was told %v", errs[i])
			}
		case Overtaken:
			if errs[i] != nil && !fault.Is(errs[i], fault.Gone) || !team.Holds[id].Over || h.Ending.Reason == "" || !h.Released {
				t.Errorf("who was overtaken was told %v: %+v", errs[i], h.Ending)
			}
			if n := team.Available(h.Period, ""); n != 1 {
				t.Errorf("of who was overtaken %d are free", n)
			}
		default:
			t.Errorf("one is %s: %v", h.State, errs[i])
		}
	}
	if j := w.getJob(job); agreed != places || j.Claimed() != places || j.State != market.JobFilled {
		t.Errorf("%d agreed on %d places, %d are claimed, the job is %s", agreed, places, j.Claimed(), j.State)
	}
	w.clean()

	// One breaks off: those who were overtaken are offered the place again.
	for i, id := range ids {
		if w.get(id).State == Agreed {
			w.must(w.refuse(chairs[i], id))
			break
		}
	}
	w.turn()
	again := 0
	for _, it := range w.of(job) {
		if it.Doc.State == Offered && it.Doc.Origin == FromEngine {
			again++
		}
	}
	if j := w.getJob(job); again != 1 || j.State != market.JobOpen {
		t.Errorf("a place is free again: %d offers, the job is %s", again, j.State)
	}
	w.clean()
}

// TestOneTeamInMany: a team in eight handshakes on days that overlap says yes to all
// at once. It is never promised beyond its headcount.
func TestOneTeamInMany(t *testing.T) {
	w := newWorld(t)
	coop, chair := w.party(market.Cooperative, false)
	team := w.team(coop, chair, 10, 2)
	var ids []string
	bosses := map[string]string{}
	for i := range 8 {
		employer, boss := w.party(market.Company, false)
		from := market.Date("2026-03-10").Add(i)
		job := w.job(employer, boss, w.post(4, from, from.Add(3)))
		id, err := w.invite(boss, job, team, 4)
		w.must(err)
		ids, bosses[id] = append(ids, id), boss
	}
	var g sync.WaitGroup
	by, now := w.as(chair), w.clock.Now()
	for i, id := range ids {
		n := w.node
		if i%2 == 1 {
			n = w.newNode()
		}
		g.Go(func() {
			_, err := n.handshakes.Yes(w.ctx, by, by.Command(fmt.Sprint("yes ", i), now), id, Event{})
			if err != nil && !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	g.Wait()
	w.clean()
	talks := 0
	for _, id := range ids {
		if w.get(id).State == Negotiating {
			talks++
		}
	}
	// Of any four that follow on one another, all on one day, two fit: at least every
	// fourth and its neighbour do, whoever came first.
	if talks < 2 || talks > 4 {
		t.Errorf("%d of 8 talk", talks)
	}
	// When one gives up, another's yes is good.
	for _, id := range ids {
		if h := w.get(id); h.State == Negotiating {
			w.must(w.withdraw(bosses[id], id))
		}
	}
	w.turn()
	for _, id := range ids {
		if h := w.get(id); h.State == Offered {
			w.must(w.yes(chair, id))
			w.state(id, Negotiating)
			break
		}
	}
	w.clean()
}

// TestPlacesComeBack: what ends gives back what it had, and what is done does not.
func TestPlacesComeBack(t *testing.T) {
	for name, c := range map[string]struct {
		to    State
		end   func(w *world, p pairing, id string) error
		state State
		free  int
	}{
		"withdrawn":     {Negotiating, func(w *world, p pairing, id string) error { return w.withdraw(p.chair, id) }, Withdrawn, 4},
		"refused":       {Agreed, func(w *world, p pairing, id string) error { return w.refuse(p.boss, id) }, Refused, 4},
		"not signed":    {Agreed, func(w *world, _ pairing, _ string) error { w.clock.Add(24 * time.Hour); return nil }, Expired, 4},
		"no agreement":  {Negotiating, func(w *world, _ pairing, _ string) error { w.clock.Add(24 * time.Hour); return nil }, Expired, 4},
		"broken off":    {Signed, func(w *world, p pairing, id string) error { return w.breakOff(p.chair, id) }, BrokenOff, 4},
		"given up late": {Working, func(w *world, p pairing, id string) error { return w.breakOff(p.boss, id) }, BrokenOff, 4},
		"done":          {Working, func(w *world, _ pairing, _ string) error { w.clock.Set(shanghai("2026-03-15", "00:00:00")); return nil }, Done, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.pair(4, 2)
			post := w.post(4, "2026-03-10", "2026-03-14")
			post.Deadline = post.Period.End()
			job := w.job(p.employer, p.boss, post)
			w.turn()
			id := w.with(job, p.team)
			switch c.to {
			case Negotiating:
				w.talking(id, p.boss, p.chair)
			case Agreed:
				w.agreed(id, p.boss, p.chair)
			default:
				w.signed(id, p.boss, p.chair)
			}
			if c.to == Working {
				w.clock.Set(shanghai("2026-03-10", "00:00:00"))
				w.settle()
			}
			w.state(id, c.to)
			w.must(c.end(w, p, id))
			w.settle()
			h := w.state(id, c.state)
			team := w.getTeam(p.team)
			if n := team.Available(market.Period{From: "2026-03-12", To: "2026-03-12"}, ""); n != 4 || !h.Released {
				t.Errorf("%d people are free, released %v", n, h.Released)
			}
			if j := w.getJob(job); j.Free() != c.free {
				t.Errorf("the job is %s with %d free places", j.State, j.Free())
			}
			w.clean()
		})
	}
}
