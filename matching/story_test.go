package matching

import (
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
)

// TestStory goes the main way, from a post to the last day of work.
func TestStory(t *testing.T) {
	w := newWorld(t)
	employer, boss := w.party(market.Company, false)
	coop, chair := w.party(market.Cooperative, false)
	team := w.team(coop, chair, 12, 2)
	job := w.job(employer, boss, w.post(10, "2026-03-10", "2026-03-14"))
	w.turn()
	id := w.with(job, team)
	h := w.state(id, Offered)
	if h.Origin != FromEngine || h.People != 10 || h.Tier != 1 || !h.Deadline.Equal(w.clock.Now().Add(2*time.Hour)) {
		t.Fatalf("the engine offers %+v", h)
	}
	if j := w.getJob(job); !j.LookOpen() || len(j.Look.Teams) != 1 || j.Out() != 10 {
		t.Fatalf("the job's first look is %+v", j.Look)
	}

	w.clock.Add(time.Minute)
	_, err := w.handshakes.Yes(w.ctx, w.as(boss), w.cmd(boss), id, Event{})
	w.must(err)
	w.state(id, Offered)
	_, err = w.handshakes.Yes(w.ctx, w.as(chair), w.cmd(chair), id, Event{})
	w.must(err)
	h = w.state(id, Negotiating)
	if j := w.getJob(job); j.LookOpen() || j.Look.Closed != market.LookAnswered {
		t.Fatalf("all listed have answered, and the first look is %+v", j.Look)
	}
	if held := w.getTeam(team).Holds[id]; held.People != 10 || held.Period != h.Period {
		t.Fatalf("the team holds %+v", held)
	}
	opening := h.Newest()
	if opening.Terms.People != 10 || opening.Terms.Pay.Amount != 15_000 {
		t.Fatalf("the talk opens with %+v", opening.Terms)
	}

	terms := opening.Terms
	terms.People, terms.Pay.Amount = 8, 16_000
	_, err = w.handshakes.Propose(w.ctx, w.as(chair), w.cmd(chair), id, Event{Terms: terms, Hash: opening.Hash})
	w.must(err)
	hash := w.get(id).Newest().Hash
	_, err = w.handshakes.Accept(w.ctx, w.as(boss), w.cmd(boss), id, Event{Hash: hash})
	w.must(err)
	h = w.state(id, Agreed)
	if h.Contract != "contract/"+id+"/"+hash || h.People != 8 {
		t.Fatalf("they agreed on %+v", h)
	}
	if j := w.getJob(job); j.Claimed() != 8 || j.Free() != 2 || w.getTeam(team).Holds[id].People != 8 {
		t.Fatalf("%d places are claimed, %+v held", j.Claimed(), w.getTeam(team).Holds)
	}

	_, err = w.handshakes.Sign(w.ctx, w.as(boss), w.cmd(boss), id, Event{Protected: "header", Signature: "forged"})
	w.want(err, fault.Invalid)
	_, err = w.handshakes.Sign(w.ctx, w.as(boss), w.cmd(boss), id, signature(Employer))
	w.must(err)
	w.state(id, Agreed)
	_, err = w.handshakes.Sign(w.ctx, w.as(chair), w.cmd(chair), id, signature(Owner))
	w.must(err)
	h = w.state(id, Signed)
	if h.Employer.Signed.By != boss || h.Owner.Signed.Key != "key of "+chair {
		t.Fatalf("it is signed by %+v and %+v", h.Employer.Signed, h.Owner.Signed)
	}
	w.clean()

	w.clock.Set(shanghai("2026-03-10", "00:00:00"))
	w.settle()
	w.state(id, Working)
	w.clock.Set(shanghai("2026-03-15", "00:00:00"))
	w.settle()
	h = w.state(id, Done)
	if !h.Released || w.getJob(job).Claimed() != 8 || w.getTeam(team).Available(market.Period{From: "2026-03-12", To: "2026-03-12"}, "") != 12 {
		t.Fatal("what is done keeps its places and frees its people")
	}
	r := w.clean()
	for what, n := range map[string]int{"handshakes": 1, "terms agreed on": 1, "proposals of terms": 2, "places claimed, by handshake": 1, "first looks": 1} {
		if r.Counted[what] != n {
			t.Errorf("the check counted %d %s, want %d", r.Counted[what], what, n)
		}
	}
}
