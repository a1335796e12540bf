package market

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// What comes of each event in each situation of a job: the situation that follows,
// "." where nothing happens, or the code of the error. look is an open job in its
// first look; the handshake h0 for 2 people is admitted in each from look on, and
// has all 4 places in filled.
const jobEvents = `
                 draft    review   look     open     filled   closed   expired  removed
edit             draft    conf     conf     conf     conf     conf     conf     conf
edit/bad         inval    conf     conf     conf     conf     conf     conf     conf
submit           review   conf     conf     conf     conf     conf     conf     conf
approve          conf     look     conf     conf     conf     conf     conf     conf
approve/off      conf     open     conf     conf     conf     conf     conf     conf
approve/late     conf     conf     conf     conf     conf     conf     conf     conf
refuse           conf     draft    conf     conf     conf     conf     conf     conf
close            closed   closed   closed   closed   closed   .        conf     conf
close/mute       inval    inval    inval    inval    inval    .        conf     conf
remove           removed  removed  removed  removed  removed  conf     conf     .
settle/before    .        .        .        .        .        .        .        .
settle/look      .        .        open     .        .        .        .        .
settle/deadline  .        expired  expired  expired  expired  .        .        .
list             .        .        look     .        .        .        .        .
list/nobody      .        .        open     .        .        .        .        .
admit            conf     conf     look     open     conf     conf     conf     conf
admit/tier2      conf     conf     conf     open     conf     conf     conf     conf
admit/tier3      conf     conf     conf     open     conf     conf     conf     conf
admit/late       conf     conf     gone     gone     conf     conf     conf     conf
admit/same       conf     conf     .        .        .        .        .        .
admit/sameteam   conf     conf     conf     conf     conf     conf     conf     conf
admit/toomany    conf     conf     conf     conf     conf     conf     conf     conf
claim            conf     conf     filled   filled   .        gone     expired  gone
claim/part       conf     conf     look     open     conf     gone     expired  gone
claim/toomany    conf     conf     conf     conf     conf     gone     conf     gone
yield            .        .        look     open     open     closed   expired  removed
`

var (
	morning = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) // eight in Shanghai
	jobWays = map[string][]string{
		"draft": {}, "review": {"submit"}, "look": {"submit", "approve", "admit/h0"},
		"open":    {"submit", "approve", "admit/h0", "settle/look"},
		"filled":  {"submit", "approve", "admit/h0", "settle/look", "claim"},
		"closed":  {"submit", "approve", "admit/h0", "settle/look", "close"},
		"expired": {"submit", "approve", "admit/h0", "settle/look", "settle/deadline"},
		"removed": {"submit", "approve", "admit/h0", "settle/look", "remove"},
	}
)

func jobEvent(j *Job, name string) ([]store.Entry, error) {
	now, settings := morning, DefaultSettings()
	admission := Admission{Handshake: "h1", Team: "t1", Tier: 1, People: 2}
	bad := j.Post
	bad.Headcount = 0
	switch name {
	case "edit":
		p := j.Post
		p.Headcount = 4
		p.Title += "！"
		return j.Edit(p, now)
	case "edit/bad":
		return j.Edit(bad, now)
	case "submit":
		return j.Submit(now)
	case "approve":
		return j.Decide(Decision{Approve: true, Reason: "fit to be posted"}, "p", settings, now)
	case "approve/off":
		settings.FirstLookOff = &FirstLookOff{Reason: "a flood", Until: now.Add(time.Hour)}
		return j.Decide(Decision{Approve: true, Reason: "fit to be posted"}, "p", settings, now)
	case "approve/late":
		return j.Decide(Decision{Approve: true, Reason: "fit to be posted"}, "p", settings, j.Post.Deadline)
	case "refuse":
		return j.Decide(Decision{Reason: "no pay is named"}, "p", settings, now)
	case "close":
		return j.Close("we found people")
	case "close/mute":
		return j.Close("")
	case "remove":
		return j.Remove("a false post")
	case "settle/before":
		return j.Settle(morning.Add(4*time.Hour - time.Nanosecond))
	case "settle/look":
		return j.Settle(morning.Add(4 * time.Hour))
	case "settle/deadline":
		return j.Settle(j.Post.Deadline)
	case "list":
		return j.List([]Looker{{Team: "t0", Owner: "y"}}, 7)
	case "list/nobody":
		return j.List(nil, 7)
	case "admit":
	case "admit/tier2":
		admission.Tier = 2
	case "admit/tier3":
		admission.Tier = 3
	case "admit/late":
		now = j.Post.Deadline
	case "admit/h0", "admit/same":
		admission.Handshake, admission.Team = "h0", "t0"
	case "admit/sameteam":
		admission.Team = "t0"
	case "admit/toomany":
		admission.People = 5
	case "claim":
		return j.Claim("h0", 4)
	case "claim/part":
		return j.Claim("h0", 2)
	case "claim/toomany":
		return j.Claim("h0", 5)
	case "yield":
		return j.Yield("h0")
	default:
		panic("no event " + name)
	}
	return j.Admit(admission, now)
}

func jobSituation(t *testing.T, name string) *Job {
	t.Helper()
	post := goodPost()
	post.Headcount = 4
	j := &Job{Market: "371502", Employer: "y", Post: post, State: JobDraft, Created: morning}
	for _, e := range jobWays[name] {
		if _, err := jobEvent(j, e); err != nil {
			t.Fatalf("%s on the way to %s: %v", e, name, err)
		}
	}
	if got := jobShape(j); got != name {
		t.Fatalf("the way to %s leads to %s", name, got)
	}
	return j
}

func jobShape(j *Job) string {
	if j.State == JobInReview {
		return "review"
	}
	if j.LookOpen() {
		return "look"
	}
	return string(j.State)
}

var errorCodes = map[string]fault.Code{"conf": fault.Conflict, "gone": fault.Gone, "inval": fault.Invalid}

// rows reads a table of events.
func rows(t *testing.T, table string, cell func(event, situation, want string)) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(table), "\n")
	columns := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		if len(cells) != len(columns)+1 {
			t.Fatalf("%d cells in %q", len(cells), line)
		}
		for i, c := range columns {
			cell(cells[0], c, cells[i+1])
		}
	}
}

// came compares what came of an event with what should. Where nothing happens, or
// an error, nothing changes; else there is one audit entry.
func came(t *testing.T, what, want, got, before, after string, entries []store.Entry, err error) {
	t.Helper()
	code, failed := errorCodes[want]
	switch {
	case failed || err != nil:
		if !failed || !fault.Is(err, code) || before != after || entries != nil {
			t.Errorf("%s: %v, want %s and no change", what, err, want)
		}
	case want == ".":
		if before != after || entries != nil {
			t.Errorf("%s does something: %s", what, got)
		}
	case got != want:
		t.Errorf("%s leads to %s, want %s", what, got, want)
	default:
		audits := slices.DeleteFunc(slices.Clone(entries), func(e store.Entry) bool { return e.Log != "" })
		if before == after || len(audits) != 1 {
			t.Errorf("%s: %d audit entries", what, len(audits))
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestJobEveryEvent(t *testing.T) {
	rows(t, jobEvents, func(e, from, want string) {
		j := jobSituation(t, from)
		before := asJSON(t, j)
		entries, err := jobEvent(j, e)
		came(t, e+" in "+from, want, jobShape(j), before, asJSON(t, j), entries, err)
		r := &store.Report{}
		checkJob(j, "j", r)
		if len(r.Findings) > 0 {
			t.Errorf("%s in %s: %v", e, from, r.Findings)
		}
	})
}
