package market

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hezuo/store"
)

// TestOneAnswerOfJobs: a request has one answer, however late it is asked again.
func TestOneAnswerOfJobs(t *testing.T) {
	j := jobSituation(t, "look")
	lower := Admission{Handshake: "h2", Team: "t2", Tier: 3, People: 1}
	if entries := j.AskAdmit(lower, morning); len(entries) != 1 || j.Said("h2", 0) == nil {
		t.Fatal("a lower tier was admitted in the first look")
	}
	if _, err := j.Settle(morning.Add(4 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if entries := j.AskAdmit(lower, morning); entries != nil || j.Said("h2", 0) == nil {
		t.Error("the same handshake is admitted after it was refused")
	}
	if lower.Handshake = "h3"; j.AskAdmit(lower, morning) == nil || j.Said("h3", 0) != nil {
		t.Error("another handshake of the team is refused for the first one")
	}
	j.AskClaim("h3", 1, 9)
	if err := j.Said("h3", 1); err == nil || !strings.Contains(err.Error(), "taken") || j.Claimed() != 0 {
		t.Errorf("9 of 4 places are claimed: %v", err)
	}
	if j.AskClaim("h3", 2, 1); j.Said("h3", 2) != nil || j.Claimed() != 1 {
		t.Error("the next request is refused for the one before")
	}
	if entries := j.AskClaim("h3", 1, 3); entries != nil || j.Said("h3", 1) == nil || j.Claimed() != 1 {
		t.Error("a request that came late undid a newer one")
	}
	for _, id := range []string{"h3", "h2"} {
		if _, err := j.Yield(id); err != nil {
			t.Fatal(err)
		}
	}
	if entries := j.AskClaim("h3", 3, 1); entries != nil || j.Said("h3", 3) == nil {
		t.Error("an ended handshake claims places")
	}
	if j.AskClaim("h2", 1, 1) != nil || j.Said("h2", 1) == nil || j.AskClaim("h9", 1, 1) != nil || j.Said("h9", 1) == nil {
		t.Error("a handshake that was never admitted claims places")
	}
}

// TestJobStaysSmall: nobody can make a job's document grow by asking again.
func TestJobStaysSmall(t *testing.T) {
	j := jobSituation(t, "open")
	for i := range 1000 {
		id := fmt.Sprint("again ", i)
		j.AskAdmit(Admission{Handshake: id, Team: "t1", Tier: 1, People: 1}, morning)
		if _, err := j.Yield(id); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(j.Admitted); n > 1+maxAdmissions+maxRefused {
		t.Errorf("the job remembers %d handshakes", n)
	}
	if j.Admission("h0") == nil || j.Admission("again 0").State != AdmittedOver {
		t.Error("what was admitted is forgotten")
	}
	r := &store.Report{}
	if checkJob(j, "j", r); len(r.Findings) > 0 {
		t.Error(r.Findings)
	}
}

// TestNeverOverfilled: whatever is admitted, claimed, given back, in whatever order
// and however often, a job has no more people than it wants, and no lower tier came
// before its first look closed.
func TestNeverOverfilled(t *testing.T) {
	prove(t, func(t *rapid.T) {
		post := goodPost()
		post.Headcount = rapid.IntRange(1, 6).Draw(t, "headcount")
		j := &Job{Market: county, Employer: "y", Post: post, State: JobInReview, Created: morning}
		if _, err := j.Decide(Decision{Approve: true, Reason: "fit to be posted"}, "p", DefaultSettings(), morning); err != nil {
			t.Fatal(err)
		}
		now := morning
		asked := 0
		for range rapid.IntRange(1, 40).Draw(t, "acts") {
			id := fmt.Sprint("h", rapid.IntRange(0, 7).Draw(t, "handshake"))
			team := "team of " + id
			switch rapid.IntRange(0, 9).Draw(t, "act") {
			case 0, 1, 2:
				a := Admission{Handshake: id, Team: team, Tier: rapid.IntRange(1, 3).Draw(t, "tier"), People: rapid.IntRange(1, 4).Draw(t, "people")}
				before := j.LookOpen()
				known := j.Admission(id) != nil
				j.AskAdmit(a, now)
				if !known && before && a.Tier > 1 && j.Said(id, 0) == nil {
					t.Fatal("a lower tier came in the first look")
				}
			case 3, 4, 5:
				asked++
				j.AskClaim(id, asked, rapid.IntRange(1, 4).Draw(t, "people"))
			case 6:
				_, _ = j.Yield(id)
			case 7:
				_, _ = j.Answer(team, rapid.SampledFrom([]LookAnswer{LookYes, LookPassed, LookExpired}).Draw(t, "answer"))
			case 8:
				_, _ = j.List([]Looker{{Team: team, Owner: "y"}}, 1)
			case 9:
				now = now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "hours")) * time.Hour)
				_, _ = j.Settle(now)
			}
			r := &store.Report{}
			if checkJob(j, "j", r); len(r.Findings) > 0 {
				t.Fatal(r.Findings)
			}
		}
	})
}

// TestLookCloses: why a first look closes.
func TestLookCloses(t *testing.T) {
	two := []Looker{{Team: "t1"}, {Team: "t2"}}
	look := func(acts ...func(j *Job)) LookReason {
		j := jobSituation(t, "look")
		for _, act := range acts {
			act(j)
		}
		return j.Look.Closed
	}
	list := func(j *Job) { _, _ = j.List(two, 1) }
	answer := func(team string, a LookAnswer) func(*Job) { return func(j *Job) { _, _ = j.Answer(team, a) } }
	for name, c := range map[string]struct {
		want LookReason
		got  LookReason
	}{
		"nobody":             {LookNobody, look(func(j *Job) { _, _ = j.List(nil, 1) })},
		"listed":             {"", look(list)},
		"one answered":       {"", look(list, answer("t1", LookYes))},
		"a stranger":         {"", look(list, answer("t1", LookYes), answer("t9", LookYes))},
		"all answered":       {LookAnswered, look(list, answer("t1", LookPassed), answer("t2", LookExpired))},
		"one twice":          {"", look(list, answer("t1", LookPassed), answer("t1", LookYes))},
		"a third came":       {"", look(list, answer("t1", LookYes), func(j *Job) { _, _ = j.List([]Looker{{Team: "t3"}}, 2) }, answer("t2", LookYes))},
		"the third answered": {LookAnswered, look(list, answer("t1", LookYes), func(j *Job) { _, _ = j.List([]Looker{{Team: "t3"}}, 2) }, answer("t2", LookYes), answer("t3", LookYes))},
		"a fourth, too late": {LookAnswered, look(list, answer("t1", LookYes), answer("t2", LookYes), func(j *Job) { _, _ = j.List([]Looker{{Team: "t3"}}, 2) })},
		"filled":             {LookJobOver, look(list, func(j *Job) { _, _ = j.Claim("h0", 4) })},
		"closed by employer": {LookJobOver, look(list, func(j *Job) { _, _ = j.Close("enough people") })},
		"in time":            {LookTime, look(list, func(j *Job) { _, _ = j.Settle(j.Look.Ends) })},
	} {
		if c.got != c.want {
			t.Errorf("%s: closed for %q, want %q", name, c.got, c.want)
		}
	}
	// Listing the same again, from further on in the feed, is no change.
	j := jobSituation(t, "look")
	list(j)
	if entries, err := j.List(two[:1], 99); entries != nil || err != nil || j.Look.Feed != 1 {
		t.Errorf("nobody new is listed, and something changes: %v %v", entries, err)
	}
}
