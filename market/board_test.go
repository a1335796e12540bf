package market

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// TestJobsAreTheirEmployers: who may do what with a job in each state: a stranger
// who acts for a cooperative, the employer, the market's operator. y is yes, n not
// found, f forbidden, c conflict.
func TestJobsAreTheirEmployers(t *testing.T) {
	w := newWorld(t)
	w.cooperative("p-chair")
	acts := map[string]func(by Caller, cmd store.Command, id string) error{
		"see": func(by Caller, _ store.Command, id string) error { _, err := w.board.Job(w.ctx, by, id); return err },
		"edit": func(by Caller, cmd store.Command, id string) error {
			_, err := w.board.EditJob(w.ctx, by, cmd, id, goodPost())
			return err
		},
		"submit": func(by Caller, cmd store.Command, id string) error {
			_, err := w.board.SubmitJob(w.ctx, by, cmd, id)
			return err
		},
		"close": func(by Caller, cmd store.Command, id string) error {
			_, err := w.board.CloseJob(w.ctx, by, cmd, id, "enough people")
			return err
		},
		"judge": func(by Caller, cmd store.Command, id string) error {
			_, err := w.board.DecideJob(w.ctx, by, cmd, id, Decision{Reason: "no pay is named"})
			return err
		},
		"remove": func(by Caller, cmd store.Command, id string) error {
			_, err := w.board.RemoveJob(w.ctx, by, cmd, id, "a false post")
			return err
		},
	}
	codes := map[string]fault.Code{"n": fault.NotFound, "f": fault.Forbidden, "c": fault.Conflict}
	const table = `
                stranger employer operator
see/draft       n        y        y
see/review      n        y        y
see/open        y        y        y
edit/draft      n        y        n
edit/review     n        c        n
edit/open       f        c        f
submit/draft    n        y        n
submit/review   n        c        n
submit/open     f        c        f
close/draft     n        y        n
close/review    n        y        n
close/open      f        y        f
judge/draft     n        f        c
judge/review    n        f        y
judge/open      f        f        c
remove/draft    n        f        y
remove/review   n        f        y
remove/open     f        f        y
`
	rows(t, table, func(row, who, want string) {
		act, state, _ := strings.Cut(row, "/")
		person := map[string]string{"stranger": "p-chair", "employer": "p-boss", "operator": operator}[who]
		id := map[string]func() string{"draft": w.draft, "review": w.submitted, "open": w.openJob}[state]()
		err := acts[act](w.as(person), w.cmd(person), id)
		if code, refused := codes[want]; refused != (err != nil) || refused && !fault.Is(err, code) {
			t.Errorf("%s by the %s: %v, want %s", row, who, err, want)
		}
	})
	w.clean()
}

// TestTeamsAreTheirOwners likewise.
func TestTeamsAreTheirOwners(t *testing.T) {
	w := newWorld(t)
	w.company()
	id := w.openTeam()
	boss, chair := w.as("p-boss"), w.as("p-chair")
	post := goodTeam()
	post.Headcount++
	_, err := w.board.EditTeam(w.ctx, boss, w.cmd("p-boss"), id, post)
	w.want(err, fault.Forbidden)
	_, err = w.board.CloseTeam(w.ctx, boss, w.cmd("p-boss"), id, "they are ours")
	w.want(err, fault.Forbidden)
	_, err = w.board.Team(w.ctx, boss, id)
	w.must(err)
	_, err = w.board.CloseTeam(w.ctx, chair, w.cmd("p-chair"), id, "harvest at home")
	w.must(err)
	for _, err := range []error{
		func() error { _, err := w.board.Team(w.ctx, boss, id); return err }(),
		func() error { _, err := w.board.OpenTeam(w.ctx, boss, w.cmd("p-boss"), id); return err }(),
		func() error { _, err := w.board.EditTeam(w.ctx, boss, w.cmd("p-boss"), id, post); return err }(),
	} {
		w.want(err, fault.NotFound)
	}
	_, err = w.board.TeamsOf(w.ctx, boss, "y-other", "", 0)
	w.want(err, fault.NotFound)
	w.clean()
}

// TestPartyIsSealed: what is a person's is nowhere in the store in the clear.
func TestPartyIsSealed(t *testing.T) {
	w := newWorld(t)
	form := company()
	form.Kind, form.CreditCode, form.Representative = Individual, "", ""
	form.Name, form.IdentityNumber, form.ContactName, form.ContactPhone = "欧阳修远", someIdentity, "司马相如", "+86 138-0013-8000"
	id := w.party("p-boss", form)
	it, err := w.board.Party(w.ctx, w.as("p-boss"), id)
	w.must(err)
	if it.Doc.Name != "欧***" {
		t.Errorf("the name of an individual is kept as %q", it.Doc.Name)
	}
	c, err := w.board.RevealContact(w.ctx, w.as("p-boss"), w.cmd("p-boss"), id, "")
	w.must(err)
	if c != (Contact{"司马相如", somePhone}) {
		t.Errorf("its own people see %+v", c)
	}
	_, err = w.board.RevealContact(w.ctx, w.as("p-other"), w.cmd("p-other"), id, "I want to call")
	w.want(err, fault.Forbidden)
	_, err = w.board.RevealContact(w.ctx, w.as(operator), w.cmd(operator), id, "a complaint of today")
	w.must(err)
	d, err := w.db.Get(w.ctx, "parties", id)
	w.must(err)
	for _, clear := range []string{"欧阳修远", "阳修", someIdentity, "司马", somePhone, "13800"} {
		if bytes.Contains(d.Body, []byte(clear)) {
			t.Errorf("%s is in the clear", clear)
		}
		records, err := w.db.Read(w.ctx, store.AuditLog("parties", id), 0, 100)
		w.must(err)
		for _, r := range records {
			if bytes.Contains(r.Body, []byte(clear)) {
				t.Errorf("%s is in the clear in the trail", clear)
			}
		}
	}
	w.clean()
}

// TestPartiesAreVerified: an edit needs a new verification, and a credit code is
// one party's.
func TestPartiesAreVerified(t *testing.T) {
	w := newWorld(t)
	id := w.company()
	form := company()
	form.CreditCode = w.code("91")
	_, err := w.board.EditParty(w.ctx, w.as("p-boss"), w.cmd("p-boss"), id, form)
	w.must(err)
	_, err = w.board.CreateJob(w.ctx, w.as("p-boss"), w.cmd("p-boss"), id, goodPost())
	w.must(err)
	jobs, err := w.board.JobsOf(w.ctx, w.as("p-boss"), id, "", 0)
	w.must(err)
	_, err = w.board.SubmitJob(w.ctx, w.as("p-boss"), w.cmd("p-boss"), jobs.Items[0].ID)
	w.want(err, fault.Conflict)
	_, err = w.board.Party(w.ctx, w.as("p-other"), id)
	w.want(err, fault.NotFound)
	_, err = w.board.CreateParty(w.ctx, w.as("p-other"), w.cmd("p-other"), form)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Conflict || f.Field != "credit_code" {
		t.Errorf("the same credit code again: %v", err)
	}
	for path, change := range map[string]func(*PartyForm){
		"kind":   func(f *PartyForm) { f.Kind, f.Members, f.FarmerShare, f.CreditCode = Cooperative, 9, 90, w.code("93") },
		"market": func(f *PartyForm) { f.Market = "371503" },
	} {
		other := form
		change(&other)
		_, err := w.board.EditParty(w.ctx, w.as("p-boss"), w.cmd("p-boss"), id, other)
		if !errors.As(err, &f) || f.Field != path {
			t.Errorf("another %s: %v", path, err)
		}
	}
	_, err = w.board.EditParty(w.ctx, w.as("p-other"), w.cmd("p-other"), id, form)
	w.want(err, fault.NotFound)
	_, err = w.board.AdmitPerson(w.ctx, w.as("p-other"), w.cmd("p-other"), id, "p-other")
	w.want(err, fault.NotFound)
	w.clean()
}

// TestManyParties: a person may act for more parties than one page of a listing
// holds, and operate more markets.
func TestManyParties(t *testing.T) {
	w := newWorld(t)
	form := company()
	for range 101 {
		form.CreditCode = w.code("91")
		_, err := w.board.CreateParty(w.ctx, Caller{Person: "p-holding"}, w.cmd("p-holding"), form)
		w.must(err)
	}
	if n := len(w.as("p-holding").Parties); n != 101 {
		t.Errorf("the person acts for %d parties", n)
	}
}

// TestCommandsAreRepeated: the second of two is the first.
func TestCommandsAreRepeated(t *testing.T) {
	w := newWorld(t)
	employer := w.company()
	by, cmd := w.as("p-boss"), w.cmd("p-boss")
	first, err := w.board.CreateJob(w.ctx, by, cmd, employer, goodPost())
	w.must(err)
	second, err := w.board.CreateJob(w.ctx, by, cmd, employer, goodPost())
	w.must(err)
	if first.ID != second.ID || second.Rev != 1 || !second.Repeated {
		t.Errorf("two jobs of one command: %s, %s", first.ID, second.ID)
	}
	cmd.Hash = "of another request"
	_, err = w.board.CreateJob(w.ctx, by, cmd, employer, goodPost())
	w.want(err, fault.Reused)
	submit := w.cmd("p-boss")
	for range 2 {
		it, err := w.board.SubmitJob(w.ctx, by, submit, first.ID)
		w.must(err)
		if it.Rev != 2 {
			t.Errorf("submitted at revision %d", it.Rev)
		}
	}
	_, err = w.board.SubmitJob(w.ctx, by, w.cmd("p-boss"), first.ID)
	w.want(err, fault.Conflict)
}

// TestSettlersRace: many settle the same jobs at once, and each deadline takes
// effect once.
func TestSettlersRace(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.openJob()
	}
	for _, now := range []time.Time{w.now.Add(4*time.Hour - time.Nanosecond), w.now.Add(4 * time.Hour), goodPost().Deadline.Add(-1), goodPost().Deadline} {
		w.now = now
		var g sync.WaitGroup
		for _, node := range []string{"a", "b", "c"} {
			g.Go(func() {
				if _, err := w.board.Settle(context.WithoutCancel(w.ctx), node, now); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		w.clean()
	}
	expired, err := w.board.Jobs.Find(w.ctx, store.Range{Index: "state", Prefix: store.K(county, string(JobExpired))})
	w.must(err)
	for _, it := range expired.Items {
		if it.Rev != 5 || it.Doc.Look.Closed != LookTime { // created, submitted, opened, looked, expired
			t.Errorf("the job is at revision %d, its look closed for %s", it.Rev, it.Doc.Look.Closed)
		}
	}
	if len(expired.Items) != 3 {
		t.Errorf("%d jobs expired", len(expired.Items))
	}
}
