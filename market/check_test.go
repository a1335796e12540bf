package market

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/store"
	"hezuo/vault"
)

// planted is a fault that is put into a sound store.
type planted[T any] struct {
	what string // what the finding must say
	fn   func(*T)
}

// finds proves that each fault is found, where it is and nowhere else: one that came
// with its audit record, as a defect of ours would write it, by this check alone;
// and one that came by hand, which the check of the trails finds too. What is found
// by the trail needs one that is whole.
func finds[T any](t *testing.T, sound func(w *world) (*store.Collection[T], string), faults []planted[T]) {
	t.Helper()
	w := newWorld(t)
	for _, f := range faults {
		c, id := sound(w)
		before, err := c.Get(w.ctx, id)
		w.must(err)
		spoil(w, c, id, false, f.fn)
		found(w, id, f.what, false)
		spoil(w, c, id, false, func(doc *T) { *doc = before.Doc })
		w.clean()
	}
	for _, f := range faults {
		if strings.HasSuffix(f.what, " 0 times") {
			continue
		}
		c, id := sound(w)
		spoil(w, c, id, true, f.fn)
		found(w, id, f.what, true) // beside those before it, which nothing can heal
	}
}

func found(w *world, id, what string, byHand bool) {
	w.t.Helper()
	own, trails := w.check()
	elsewhere := func(g store.Finding) bool { return !strings.HasSuffix(g.Where, id) }
	if !byHand && slices.ContainsFunc(own, elsewhere) {
		w.t.Errorf("%q, and elsewhere: %v", what, own)
	}
	own, trails = slices.DeleteFunc(own, elsewhere), slices.DeleteFunc(trails, elsewhere)
	if !slices.ContainsFunc(own, func(g store.Finding) bool { return strings.Contains(g.What, what) }) {
		w.t.Errorf("%q is not what is found: %v", what, own)
	}
	if len(trails) > 0 != byHand {
		w.t.Errorf("%q by hand %v, and of the trails: %v", what, byHand, trails)
	}
}

func TestCheckFindsTeams(t *testing.T) {
	finds(t, func(w *world) (*store.Collection[Team], string) {
		id := w.openTeam()
		_, err := w.board.Teams.Update(w.ctx, id, w.cmd("system:test"), func(team *Team) ([]store.Entry, error) {
			return team.Ask("h", 1, 10, Period{"2026-03-10", "2026-03-14"}), nil
		})
		w.must(err)
		return w.board.Teams, id
	}, []planted[Team]{
		{"13 of 12 people are promised on 2026-03-14", func(team *Team) {
			team.Holds["h2"] = Hold{People: 3, Period: Period{"2026-03-14", "2026-03-20"}}
		}},
		{"10 of 9 people", func(team *Team) { team.Post.Headcount = 9 }},
		{"not of people and days", func(team *Team) { team.Holds["h2"] = Hold{People: 1} }},
		{"not of people and days", func(team *Team) { team.Holds["h2"] = Hold{People: -1, Period: team.Holds["h"].Period} }},
	})
}

func TestCheckFindsJobs(t *testing.T) {
	other := Admission{Handshake: "h9", Team: "t9", Tier: 1, People: 1, State: AdmittedHas}
	with := func(j *Job, a Admission) {
		j.Ticks++
		a.Tick = j.Ticks
		j.Admitted = append(j.Admitted, a)
	}
	closed := func(why LookReason) func(*Job) {
		return func(j *Job) { j.closeLook(why) }
	}
	finds(t, func(w *world) (*store.Collection[Job], string) {
		id := w.openJob()
		w.job(id, func(j *Job) ([]store.Entry, error) { return j.List([]Looker{{Team: "t1", Owner: "y"}}, 3) })
		w.job(id, func(j *Job) ([]store.Entry, error) {
			return j.AskAdmit(Admission{Handshake: "h1", Team: "t1", Tier: 1, People: 6}, w.now), nil
		})
		w.job(id, func(j *Job) ([]store.Entry, error) { return j.AskClaim("h1", 1, 6), nil })
		return w.board.Jobs, id
	}, []planted[Job]{
		{"11 of 10 places are claimed", func(j *Job) {
			other.People = 5
			with(j, other)
			j.State = JobFilled
			j.closeLook(LookJobOver)
		}},
		{"it is filled with 4 free places", func(j *Job) { j.State = JobFilled; j.closeLook(LookJobOver) }},
		{"it is open with 0 free places", func(j *Job) { j.Admitted[0].People = 10 }},
		{"admitted twice", func(j *Job) {
			again := j.Admitted[0]
			again.State = AdmittedOver
			with(j, again)
		}},
		{"the team t1 is in it twice", func(j *Job) { other.Team = "t1"; other.People = 1; with(j, other) }},
		{"with no people", func(j *Job) { j.Admitted[0].People = 0 }},
		{"no time of the job's count", func(j *Job) { j.Admitted[0].Tick = 99 }},
		{"no time of the job's count", func(j *Job) { j.Admitted[0].Tick = 0 }},
		{"of tier 2 was admitted before", func(j *Job) { j.Admitted[0].Tier = 2 }},
		{"of tier 3 was admitted before", func(j *Job) { j.Admitted[0].Tier = 3; j.closeLook(LookJobOver); j.State = JobClosed }},
		{"first look closed at no time", func(j *Job) { j.Look.Closed = LookJobOver; j.State = JobClosed }},
		{"first look closed at no time", func(j *Job) { j.closeLook(LookJobOver); j.Look.Tick = 99; j.State = JobClosed }},
		{"without the record of a first look", func(j *Job) { j.Look = nil }},
		{"open in a job that is closed", func(j *Job) { j.State = JobClosed }},
		{"without a reason and an end", closed(LookOff)},
		{"as if all had answered", closed(LookAnswered)},
		{"as if there were no team", closed(LookNobody)},
		{"its first look ran out 0 times", closed(LookTime)},
		{"for no reason that there is", closed("tired")},
		{"the first look had no time", func(j *Job) { j.Look.Ends = j.Look.Opened }},
		{"it is expired, and expired 0 times", func(j *Job) { j.State = JobExpired; j.closeLook(LookJobOver) }},
	})
}

// TestCheckFindsLateActs: what the trail says against the deadlines.
func TestCheckFindsLateActs(t *testing.T) {
	w := newWorld(t)
	first := func(what string) {
		t.Helper()
		own, _ := w.check()
		if len(own) != 1 || !strings.Contains(own[0].What, what) {
			t.Fatalf("%q is not found: %v", what, own)
		}
	}
	id := w.openJob()
	w.now = goodPost().Deadline
	w.job(id, func(j *Job) ([]store.Entry, error) { // its own rule would refuse it
		j.Ticks++
		j.Admitted = append(j.Admitted, Admission{Handshake: "h1", Team: "t1", Tier: 1, People: 1, State: AdmittedOut, Tick: j.Ticks})
		return []store.Entry{store.Audit("job.admit", "", nil)}, nil
	})
	first("admitted a handshake after the post's deadline")

	w = newWorld(t)
	id = w.openJob()
	w.now = goodPost().Deadline
	for range 2 {
		w.job(id, func(j *Job) ([]store.Entry, error) {
			j.State = JobExpired
			j.closeLook(LookJobOver)
			j.Ticks += 2 // so that something changes
			return []store.Entry{store.Audit("job.expire", "", nil)}, nil
		})
	}
	first("expired 2 times")

	w = newWorld(t)
	id = w.openJob()
	w.now = w.now.Add(time.Hour)
	w.job(id, func(j *Job) ([]store.Entry, error) {
		j.closeLook(LookTime)
		return []store.Entry{store.Audit("job.look_closed", "time", nil)}, nil
	})
	first("ran out before its end")
}

func TestCheckFindsParties(t *testing.T) {
	finds(t, func(w *world) (*store.Collection[Party], string) {
		return w.board.parties, w.company()
	}, []planted[Party]{
		{"party.contact_phone cannot be opened", func(p *Party) { p.ContactPhone = p.ContactName }},
		{"party.representative cannot be opened", func(p *Party) { p.Representative = vault.Sealed("张三") }},
		{"its credit code says otherwise", func(p *Party) { p.Kind = Individual }},
		{"nobody acts for it", func(p *Party) { p.People = nil }},
	})
}

// TestCheckAfterErasure: what was deleted by right is no fault.
func TestCheckAfterErasure(t *testing.T) {
	w := newWorld(t)
	id := w.company()
	w.must(w.vault.Destroy(w.ctx, w.cmd("p-boss"), id, "at the wish of the party"))
	w.clean()
}
