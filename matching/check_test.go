package matching

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/market"
	"hezuo/store"
)

// spoil changes a document as no rule allows: by a command, with its audit entry, as
// a defect of ours would; or beside all rules, by a hand in the store.
func spoil[T any](w *world, c *store.Collection[T], id string, byHand bool, fn func(*T)) {
	w.t.Helper()
	if !byHand {
		_, err := c.Update(w.ctx, id, w.cmd("system:test"), func(doc *T) ([]store.Entry, error) {
			fn(doc)
			return []store.Entry{store.Audit("test.spoil", "", nil)}, nil
		})
		w.must(err)
		return
	}
	d, err := w.db.Get(w.ctx, c.Name(), id)
	w.must(err)
	var env struct {
		ID  string `json:"id"`
		Doc T      `json:"doc"`
	}
	w.must(json.Unmarshal(d.Body, &env))
	fn(&env.Doc)
	next := *d
	next.Rev++
	next.Body, err = json.Marshal(env)
	w.must(err)
	w.must(w.db.Write(w.ctx, store.Write{Collection: c.Name(), ID: id, Expect: d.Rev, Doc: &next}))
}

// stages are handshakes of one market, by what has become of each.
type stages struct {
	*world
	p   pairing
	ids map[State]string
}

// everyStage has a handshake in each state, each with a job of its own.
func everyStage(t *testing.T) stages {
	t.Helper()
	w := newWorld(t)
	s := stages{w, w.pair(40, 1), map[State]string{}}
	for i, state := range []State{Done, Working, Signed, Agreed, Negotiating, Withdrawn, Offered, Declined} {
		from := market.Date("2026-03-02")
		if state != Done && state != Working {
			from = market.Date("2026-03-20").Add(i)
		}
		if state == Done || state == Working {
			w.clock.Set(shanghai("2026-03-01", "08:00:00"))
		}
		to := from.Add(10)
		if state == Done {
			to = from
		}
		job := w.job(s.p.employer, s.p.boss, w.post(4, from, to))
		w.turn()
		id := w.with(job, s.p.team)
		s.ids[state] = id
		switch state {
		case Done, Working, Signed:
			w.signed(id, s.p.boss, s.p.chair)
		case Agreed:
			w.agreed(id, s.p.boss, s.p.chair)
		case Negotiating, Withdrawn:
			w.talking(id, s.p.boss, s.p.chair)
			if state == Withdrawn {
				w.must(w.withdraw(s.p.boss, id))
			}
		case Declined:
			w.must(w.decline(s.p.chair, id))
		}
		if state == Working {
			w.clock.Set(shanghai("2026-03-03", "00:00:00"))
			w.settle()
			w.settle()
		}
	}
	for state, id := range s.ids {
		w.state(id, state)
	}
	w.clean()
	return s
}

// plantedFault is one fault: what the check must say, and where it is.
type plantedFault struct {
	what  string
	state State // of the handshake that it is about
	plant func(s stages, id string, byHand bool)
}

func ofHandshake(what string, state State, fn func(*Handshake)) plantedFault {
	return plantedFault{what, state, func(s stages, id string, byHand bool) { spoil(s.world, s.handshakes.c, id, byHand, fn) }}
}

func ofTeam(what string, state State, fn func(id string, t *market.Team)) plantedFault {
	return plantedFault{what, state, func(s stages, id string, byHand bool) {
		spoil(s.world, s.board.Teams, s.p.team, byHand, func(t *market.Team) { fn(id, t) })
	}}
}

func ofJob(what string, state State, fn func(id string, j *market.Job)) plantedFault {
	return plantedFault{what, state, func(s stages, id string, byHand bool) {
		spoil(s.world, s.board.Jobs, s.get(id).Job, byHand, func(j *market.Job) { fn(id, j) })
	}}
}

func hold(change func(*market.Hold)) func(string, *market.Team) {
	return func(id string, t *market.Team) {
		h := t.Holds[id]
		change(&h)
		t.Holds[id] = h
	}
}

func admission(change func(*market.Admission)) func(string, *market.Job) {
	return func(id string, j *market.Job) { change(j.Admission(id)) }
}

var past = shanghai("2020-01-01", "00:00:00")

func plantedFaults() []plantedFault {
	return []plantedFault{
		// 1: people
		ofTeam("the team holds no people for it", Signed, func(id string, t *market.Team) { delete(t.Holds, id) }),
		ofTeam("the team holds no people for it", Agreed, hold(func(h *market.Hold) { h.Over = true })),
		ofTeam("the team holds no people for it", Negotiating, hold(func(h *market.Hold) { h.People = 0 })),
		ofTeam("other people or days than were agreed", Working, hold(func(h *market.Hold) { h.People++ })),
		ofTeam("other people or days than were agreed", Signed, hold(func(h *market.Hold) { h.Period.To = h.Period.To.Add(-1) })),
		ofTeam("people or days that nobody spoke of", Negotiating, hold(func(h *market.Hold) { h.People++ })),
		ofTeam("its people are still held", Withdrawn, hold(func(h *market.Hold) { h.Over = false })),
		ofTeam("its people are still held", Done, func(id string, t *market.Team) {
			t.Holds[id] = market.Hold{People: 1, Period: market.Period{From: "2026-05-01", To: "2026-05-01"}}
		}),
		ofTeam("people are held without the owner's yes", Offered, func(id string, t *market.Team) {
			t.Holds[id] = market.Hold{People: 1, Period: market.Period{From: "2026-05-01", To: "2026-05-01"}}
		}),
		ofTeam("which is not there", Offered, func(_ string, t *market.Team) {
			t.Holds["h-none"] = market.Hold{People: 1, Period: market.Period{From: "2026-05-01", To: "2026-05-01"}}
		}),
		ofHandshake("of another team", Signed, func(h *Handshake) { h.Team = "t-none" }),
		ofHandshake("it is offered, and the team holds no people", Offered, func(h *Handshake) { h.Owner.Yes = &Act{"p", h.Created} }),
		{"the team holds other people or days than were offered", Offered, func(s stages, id string, byHand bool) {
			h := s.get(id)
			spoil(s.world, s.handshakes.c, id, byHand, func(h *Handshake) { h.Owner.Yes = &Act{"p", h.Created} })
			spoil(s.world, s.board.Teams, s.p.team, byHand, func(t *market.Team) { t.Holds[id] = market.Hold{People: h.People - 1, Period: h.Period} })
		}},
		// 2: places
		ofJob("of the job: out", Signed, admission(func(a *market.Admission) { a.State = market.AdmittedOut })),
		ofJob("of the job: over", Agreed, admission(func(a *market.Admission) { a.State = market.AdmittedOver })),
		ofJob("of the job: over", Done, admission(func(a *market.Admission) { a.State = market.AdmittedOver })),
		ofJob("of the job: claimed", Negotiating, admission(func(a *market.Admission) { a.State = market.AdmittedHas })),
		ofJob("of the job: claimed", Withdrawn, admission(func(a *market.Admission) { a.State = market.AdmittedHas })),
		ofJob("of the job: out", Declined, admission(func(a *market.Admission) { a.State = market.AdmittedOut })),
		ofJob("claimed, 3 people", Working, admission(func(a *market.Admission) { a.People = 3 })),
		ofJob("which is not there", Offered, func(_ string, j *market.Job) {
			j.Ticks++
			j.Admitted = append(j.Admitted, market.Admission{Handshake: "h-none", Team: "t", Tier: 1, People: 1, State: market.AdmittedOver, Tick: j.Ticks})
		}),
		ofHandshake("of another job", Offered, func(h *Handshake) { h.Job = "j-none" }),
		// 3: tiers
		ofJob("in tier 2 what is of tier 1", Signed, admission(func(a *market.Admission) { a.Tier = 2 })),
		ofJob("has admitted another team", Signed, admission(func(a *market.Admission) { a.Team = "t-none" })),
		ofJob("has never admitted it", Offered, func(_ string, j *market.Job) { j.Admitted = nil }),
		// 4: terms
		ofHandshake("not that of its hash", Negotiating, func(h *Handshake) { h.Proposed[0].Terms.Pay.Amount++ }),
		ofHandshake("not that of its hash", Signed, func(h *Handshake) { h.Proposed[0].N = 2 }),
		ofHandshake("has not accepted the newest terms", Agreed, func(h *Handshake) { h.Owner.Accepted = nil }),
		ofHandshake("has not accepted the newest terms", Signed, func(h *Handshake) { h.Employer.Accepted.Hash = strings.Repeat("0", 64) }),
		ofHandshake("there is no contract", Agreed, func(h *Handshake) { h.Contract = "" }),
		ofHandshake("there is no contract", Done, func(h *Handshake) { h.Contract = "" }),
		ofHandshake("and there are no terms", Signed, func(h *Handshake) { h.Proposed = nil }),
		ofHandshake("a contract, or a signature", Negotiating, func(h *Handshake) { h.Contract = "x" }),
		ofHandshake("a contract, or a signature", Offered, func(h *Handshake) { h.Owner.Signed = &Signature{} }),
		ofHandshake("not what the job was posted for", Signed, func(h *Handshake) { h.Limits.Headcount = 3 }),
		// 7: deadlines
		ofHandshake("the owner said yes after the deadline", Negotiating, func(h *Handshake) { h.Owner.Yes.At = h.Stages[0].Until }),
		ofHandshake("the employer accepted terms after the deadline", Agreed, func(h *Handshake) { h.Employer.Accepted.At = h.Stages[1].Until }),
		ofHandshake("the owner signed after the deadline", Signed, func(h *Handshake) { h.Owner.Signed.At = h.Stages[2].Until.Add(time.Hour) }),
		ofHandshake("is later than the deadline of offered", Signed, func(h *Handshake) { h.Stages[0].Until = past }),
		ofHandshake("is later than the deadline of agreed", Working, func(h *Handshake) { h.Stages[2].Until = past }),
		ofHandshake("(start) is earlier than its deadline", Done, func(h *Handshake) { h.Stages[3].Until = past.AddDate(100, 0, 0) }),
		ofHandshake("its newest stage is another", Offered, func(h *Handshake) { h.Deadline = h.Deadline.Add(time.Hour) }),
		ofHandshake("without a deadline", Agreed, func(h *Handshake) { h.Stages[1].Until = time.Time{} }),
		// the state itself
		ofHandshake("without the owner's yes", Agreed, func(h *Handshake) { h.Owner.Yes = nil }),
		ofHandshake("is signed, and not by the employer", Working, func(h *Handshake) { h.Employer.Signed = nil }),
		ofHandshake("came to be", Signed, func(h *Handshake) { h.Stages = append(h.Stages[:1:1], h.Stages[2:]...) }),
		ofHandshake("its trail comes to stage 4, it to 5", Signed, func(h *Handshake) {
			h.enter(Working, h.Period.End())
		}),
		ofHandshake("has start 0 times", Signed, func(h *Handshake) { h.enter(Working, h.Period.End()) }),
		ofHandshake("has finish 0 times", Working, func(h *Handshake) {
			h.State, h.Deadline, h.Ending = Done, time.Time{}, &Ending{State: Done}
		}),
		ofHandshake("has expire 0 times", Withdrawn, func(h *Handshake) { h.State, h.Ending.State = Expired, Expired }),
		ofHandshake("does not say how it ended", Withdrawn, func(h *Handshake) { h.Ending = nil }),
		ofHandshake("and says that it ended", Working, func(h *Handshake) { h.Released = true }),
		ofHandshake("asks a team or a job for what is not due", Working, func(h *Handshake) { h.Holding = true }),
		ofHandshake("was more already", Offered, func(h *Handshake) { h.State = Proposed }),
		ofHandshake("more stages than there are", Done, func(h *Handshake) { h.Stages = append(h.Stages, h.Stages...) }),
	}
}

// TestCheckFinds: each fault is found, whichever way it came into the store; one that
// came by hand is found by the check of the trails too.
func TestCheckFinds(t *testing.T) {
	s := everyStage(t)
	teams, jobs := s.board.Teams, s.board.Jobs
	for _, f := range plantedFaults() {
		id := s.ids[f.state]
		hs, err := s.handshakes.c.Get(s.ctx, id)
		s.must(err)
		job, err := jobs.Get(s.ctx, hs.Doc.Job)
		s.must(err)
		team, err := teams.Get(s.ctx, s.p.team)
		s.must(err)
		f.plant(s, id, false)
		var r store.Report
		s.must(s.handshakes.Check(s.ctx, &r))
		if !slices.ContainsFunc(r.Findings, func(g store.Finding) bool { return strings.Contains(g.What, f.what) && g.Invariant != "" }) {
			t.Errorf("%q of one that is %s is not what is found: %v", f.what, f.state, r.Findings)
		}
		spoil(s.world, s.handshakes.c, id, false, func(h *Handshake) { *h = hs.Doc })
		spoil(s.world, jobs, job.ID, false, func(j *market.Job) { *j = job.Doc })
		spoil(s.world, teams, s.p.team, false, func(t *market.Team) { *t = team.Doc })
	}
	s.clean()
	checkFindsTrails(t, s)
	// By hand, what the document says of itself and the trails both speak.
	ofHandshake("", Agreed, func(h *Handshake) { h.Contract = "" }).plant(s, s.ids[Agreed], true)
	ofTeam("", Signed, hold(func(h *market.Hold) { h.People++ })).plant(s, s.ids[Signed], true)
	ofJob("", Done, admission(func(a *market.Admission) { a.State = market.AdmittedOver })).plant(s, s.ids[Done], true)
	r := s.report()
	for _, what := range []string{"there is no contract", "other people or days than were agreed on", "of the job: over", "ends at revision"} {
		if !s.said(r.Findings, what) {
			t.Errorf("%q is not found: %v", what, r.Findings)
		}
	}
}

// checkFindsTrails: what the trail alone shows.
func checkFindsTrails(t *testing.T, s stages) {
	t.Helper()
	add := func(s stages, id, actor, act string, at time.Time) {
		_, err := s.handshakes.c.Update(s.ctx, id, store.Command{ID: act + at.String(), Actor: actor, At: at}, func(h *Handshake) ([]store.Entry, error) {
			h.Void += "." // so that something changes
			return []store.Entry{store.Audit("handshake."+act, "", nil)}, nil
		})
		s.must(err)
	}
	for _, c := range []struct {
		what  string
		state State
		plant func(id string)
	}{
		{"(propose) is later than the deadline of negotiating", Negotiating, func(id string) {
			add(s, id, s.p.boss, "propose", s.get(id).Deadline)
		}},
		{"(yes) is later than the deadline of offered", Offered, func(id string) { add(s, id, s.p.boss, "yes", s.get(id).Deadline.Add(time.Hour)) }},
		{"has start 2 times", Working, func(id string) { add(s, id, "system:settler", "start", s.get(id).Deadline) }},
		{"has expire 1 times", Agreed, func(id string) { add(s, id, "system:settler", "expire", s.get(id).Deadline) }},
		{"has finish 2 times", Done, func(id string) { add(s, id, "system:settler", "finish", s.get(id).Stages[4].Until) }},
	} {
		id := s.ids[c.state]
		c.plant(id)
		var r store.Report
		s.must(s.handshakes.Check(s.ctx, &r))
		if !slices.ContainsFunc(r.Findings, func(g store.Finding) bool {
			return strings.Contains(g.What, c.what) && strings.HasSuffix(g.Where, id)
		}) {
			t.Errorf("%q is not found: %v", c.what, r.Findings)
		}
	}
}
