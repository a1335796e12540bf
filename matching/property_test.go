package matching

import (
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// checks sets how often a property is tried, until the test ends.
func checks(t *testing.T, few, all string) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	if os.Getenv("HEZUO_PROVE") == "full" {
		few = all
	}
	if err := f.Value.Set(few); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(before) })
}

// fair is a market with a few jobs and teams, on which anything may happen.
type fair struct {
	*world
	rt            *rapid.T
	other         *node
	bosses, jobs  []string
	chairs, teams []string
	inside        bool // something is happening between two writes of something else
}

// fairMoment makes the fair, once.
func fairMoment(t *testing.T) (moment, fair) {
	w := newWorld(t)
	var f fair
	for i := range 2 {
		employer, boss := w.party(market.Company, false)
		from := market.Date("2026-03-10").Add(2 * i)
		post := w.post(3+i, from, from.Add(4))
		post.Deadline = post.Period.End()
		f.bosses, f.jobs = append(f.bosses, boss), append(f.jobs, w.job(employer, boss, post))
	}
	for i, kind := range []market.PartyKind{market.Cooperative, market.Cooperative, market.Agency, market.Company} {
		owner, chair := w.party(kind, kind == market.Agency)
		f.chairs, f.teams = append(f.chairs, chair), append(f.teams, w.team(owner, chair, 4-i%2, 1+i%2))
	}
	return w.keep(t), f
}

// handshake draws one of all handshakes; "" where there is none.
func (f *fair) handshake() string {
	var ids []string
	f.must(f.handshakes.c.Each(f.ctx, store.Range{}, func(it store.Item[Handshake]) error {
		ids = append(ids, it.ID)
		return nil
	}))
	if len(ids) == 0 {
		return ""
	}
	return rapid.SampledFrom(ids).Draw(f.rt, "handshake")
}

// sides gives the people of a handshake's two sides.
func (f *fair) sides(id string) (boss, chair string) {
	h := f.get(id)
	for i, job := range f.jobs {
		if job == h.Job {
			boss = f.bosses[i]
		}
	}
	for i, team := range f.teams {
		if team == h.Team {
			chair = f.chairs[i]
		}
	}
	return boss, chair
}

// onHandshake does one act of one side to one handshake.
func (f *fair) onHandshake() error {
	id := f.handshake()
	if id == "" {
		return nil
	}
	boss, chair := f.sides(id)
	if rapid.IntRange(0, 9).Draw(f.rt, "forward") > 2 {
		return f.forward(id, boss, chair)
	}
	person, role := boss, Employer
	if rapid.Bool().Draw(f.rt, "owner") {
		person, role = chair, Owner
	}
	newest := f.get(id).Newest()
	switch rapid.SampledFrom([]string{"yes", "accept", "sign", "propose", "propose", "decline", "withdraw", "refuse", "break off"}).Draw(f.rt, "act") {
	case "yes":
		return f.yes(person, id)
	case "accept":
		if newest == nil {
			return nil
		}
		return f.accept(person, id)
	case "sign":
		return f.sign(person, id, role)
	case "propose":
		if newest == nil {
			return nil
		}
		people := rapid.IntRange(1, 4).Draw(f.rt, "people")
		shorter := rapid.IntRange(0, 3).Draw(f.rt, "shorter")
		return f.propose(person, id, func(t *market.Terms) {
			t.People, t.Period = people, f.get(id).Period
			t.Period.From = t.Period.From.Add(shorter)
		})
	case "decline":
		return f.decline(person, id)
	case "withdraw":
		return f.withdraw(person, id)
	case "refuse":
		return f.refuse(person, id)
	}
	return f.breakOff(person, id)
}

// forward does what a handshake waits for, by the side that it waits for.
func (f *fair) forward(id, boss, chair string) error {
	h := f.get(id)
	switch {
	case h.State == Offered && h.Employer.Yes == nil:
		return f.yes(boss, id)
	case h.State == Offered:
		return f.yes(chair, id)
	case h.State == Negotiating && h.Employer.Accepted == nil:
		return f.accept(boss, id)
	case h.State == Negotiating:
		return f.accept(chair, id)
	case h.State == Agreed && h.Employer.Signed == nil:
		return f.sign(boss, id, Employer)
	case h.State == Agreed:
		return f.sign(chair, id, Owner)
	}
	return nil
}

// happen lets one thing happen.
func (f *fair) happen() error {
	i, j := rapid.IntRange(0, len(f.jobs)-1).Draw(f.rt, "job"), rapid.IntRange(0, len(f.teams)-1).Draw(f.rt, "team")
	boss, chair, job, team := f.bosses[i], f.chairs[j], f.jobs[i], f.teams[j]
	people := rapid.IntRange(0, 4).Draw(f.rt, "people")
	switch n := rapid.IntRange(0, 19).Draw(f.rt, "what"); {
	case n < 2:
		return second(f.invite(boss, job, team, people))
	case n < 4:
		return second(f.apply(chair, job, team, people))
	case n < 13:
		return f.onHandshake()
	case n < 15:
		return f.follow()
	case n == 15:
		f.clock.Add(time.Duration(rapid.IntRange(1, 30*60).Draw(f.rt, "minutes")) * time.Minute)
		return nil
	case n == 16:
		return errors.Join(f.engine.SettleOnce(f.ctx), f.other.engine.SettleOnce(f.ctx))
	case n == 17:
		post := f.teamPost(rapid.IntRange(1, 5).Draw(f.rt, "headcount"), 1)
		return second("", func() error { _, err := f.board.EditTeam(f.ctx, f.as(chair), f.cmd(chair), team, post); return err }())
	case n == 18 && rapid.Bool().Draw(f.rt, "closes"):
		_, err := f.board.CloseTeam(f.ctx, f.as(chair), f.cmd(chair), team, "harvest at home")
		return err
	case n == 18:
		_, err := f.board.OpenTeam(f.ctx, f.as(chair), f.cmd(chair), team)
		return err
	}
	if rapid.IntRange(0, 5).Draw(f.rt, "closes") > 0 {
		return nil
	}
	_, err := f.board.CloseJob(f.ctx, f.as(boss), f.cmd(boss), job, "enough people")
	return err
}

// disturbed lets one thing happen, and something else between two of its writes, by
// another node; or the process dies there.
func (f *fair) disturbed() error {
	k := rapid.IntRange(1, 6).Draw(f.rt, "write")
	if rapid.IntRange(0, 3).Draw(f.rt, "dies") == 0 {
		f.dieAt(k, rapid.Bool().Draw(f.rt, "written"))
		err := f.happen()
		f.restart()
		f.other = f.newNode()
		if errors.Is(err, errDied) || errors.Is(err, store.ErrUnknown) {
			return nil
		}
		return err
	}
	n, this := 0, f.node
	var between error
	f.db.before = func(int, store.Write) error {
		if n++; n == k && !f.inside {
			f.inside, f.node = true, f.other
			between = f.happen()
			f.inside, f.node = false, this
		}
		return nil
	}
	err := f.happen()
	f.db.before = nil
	return errors.Join(allowed(between), allowed(err))
}

// allowed lets pass what people may be told.
func allowed(err error) error {
	var refused *fault.Error
	if errors.As(err, &refused) {
		switch refused.Code {
		case fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict, fault.Stale, fault.Gone, fault.TooMany:
			return nil
		case fault.Unauthenticated, fault.Reused, fault.TooLarge, fault.Unknown, fault.Unavailable, fault.Internal:
		}
	}
	return err
}

// TestAnythingGoes: whatever happens, in whatever order, between whatever writes, the
// store is sound; and when all deadlines have passed nobody is held and no offer is
// out.
func TestAnythingGoes(t *testing.T) {
	checks(t, "6", "2000")
	m, made := fairMoment(t)
	rapid.Check(t, func(rt *rapid.T) {
		f := made
		f.world, f.rt = from(t, m), rt
		defer func() { _ = f.db.Close() }()
		f.t, f.contract.t, f.n = rt, rt, 1000
		f.free = market.Period{From: "2026-03-01", To: "2026-05-31"}
		f.other = f.newNode()
		for range rapid.IntRange(10, 50).Draw(rt, "things") {
			do := f.happen
			if rapid.IntRange(0, 2).Draw(rt, "disturbed") == 0 {
				do = f.disturbed
			}
			if err := allowed(do()); err != nil {
				rt.Fatalf("somebody is told %v", err)
			}
		}
		f.settle()
		f.clean()
		for range 3 { // the work begins, and ends
			f.clock.Add(40 * 24 * time.Hour)
			f.settle()
		}
		f.clean()
		f.must(f.handshakes.c.Each(f.ctx, store.Range{}, func(it store.Item[Handshake]) error {
			if !it.Doc.Released {
				rt.Fatalf("long after all deadlines one is %s", it.Doc.State)
			}
			return nil
		}))
		for _, team := range f.teams {
			for id, h := range f.getTeam(team).Holds {
				if !h.Over {
					rt.Fatalf("%d people are held for ever for %s, which is %s", h.People, id, f.get(id).State)
				}
			}
		}
		for _, job := range f.jobs {
			if n := f.getJob(job).Out(); n != 0 {
				rt.Fatalf("%d people are out for ever", n)
			}
		}
	})
}
