package matching

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// What comes of each event in each situation of a handshake. A situation is a
// state's first letter (an ended one: three letters), the sides that have said yes,
// accepted or signed in it (e, o), and * while a step is unfinished. A cell is the
// situation that follows, or "." where nothing happens, or the code of the error.
const events = `
                  P     O     Oe    Oo    Oo*   Oeo*  N     Ne    Neo*  A     Ae    S     W     D     dec   wit   exp   ovt   ref   bro
yes/employer      busy  Oe    .     N     busy  .     .     .     .     .     .     .     .     .     gone  .     gone  .     .     .
yes/owner         busy  Oo*   Oeo*  .     .     .     .     .     .     .     .     .     .     .     gone  .     gone  .     .     .
held              .     .     .     .     Oo    N     .     .     .     .     .     .     .     .     .     .     .     .     .     .
held/no           .     .     .     .     O     Oe    .     .     .     .     .     .     .     .     .     .     .     .     .     .
admitted          O     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .
admitted/no       wit   .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .
decline/employer  busy  dec   wit   dec   busy  busy  conf  conf  busy  conf  conf  conf  conf  gone  .     gone  gone  gone  gone  gone
decline/owner     busy  dec   dec   wit   busy  busy  conf  conf  busy  conf  conf  conf  conf  gone  .     gone  gone  gone  gone  gone
withdraw          busy  wit   wit   wit   busy  busy  wit   wit   busy  conf  conf  conf  conf  gone  gone  .     gone  gone  gone  gone
overtake          busy  ovt   ovt   ovt   busy  busy  ovt   ovt   busy  conf  conf  conf  conf  gone  gone  gone  gone  gone  gone  gone
propose/employer  busy  conf  conf  conf  busy  busy  Ne    Ne    busy  conf  conf  conf  conf  gone  gone  gone  gone  gone  gone  gone
propose/owner     busy  conf  conf  conf  busy  busy  No    No    busy  conf  conf  conf  conf  gone  gone  gone  gone  gone  gone  gone
propose/crossing  busy  conf  conf  conf  busy  busy  stale stale busy  conf  conf  conf  conf  gone  gone  gone  gone  gone  gone  gone
propose/same      busy  conf  conf  conf  busy  busy  No    Neo*  busy  conf  conf  conf  conf  gone  gone  gone  gone  gone  gone  gone
accept/employer   busy  conf  conf  conf  busy  busy  Ne    .     .     .     .     .     .     .     gone  gone  gone  .     .     .
accept/owner      busy  conf  conf  conf  busy  busy  No    Neo*  .     .     .     .     .     .     gone  gone  gone  .     .     .
accept/crossing   busy  conf  conf  conf  busy  busy  stale stale busy  conf  conf  conf  conf  gone  gone  gone  gone  gone  gone  gone
claimed           .     .     .     .     .     .     .     .     A     .     .     .     .     .     .     .     .     .     .     .
claimed/no        .     .     .     .     .     .     .     .     ovt   .     .     .     .     .     .     .     .     .     .     .
unclaimable       .     .     .     .     .     .     .     .     N     .     .     .     .     .     .     .     .     .     .     .
undraftable       .     .     .     .     .     .     .     .     wit   .     .     .     .     .     .     .     .     .     .     .
sign/employer     busy  conf  conf  conf  busy  busy  conf  conf  busy  Ae    .     .     .     .     gone  gone  gone  gone  .     .
sign/owner        busy  conf  conf  conf  busy  busy  conf  conf  busy  Ao    S     .     .     .     gone  gone  gone  gone  gone  .
refuse            busy  conf  conf  conf  busy  busy  conf  conf  busy  ref   ref   conf  conf  gone  gone  gone  gone  gone  .     gone
break_off         busy  conf  conf  conf  busy  busy  conf  conf  busy  conf  conf  bro   bro   gone  gone  gone  gone  gone  gone  .
settle/before     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .     .
settle/at         .     exp   exp   exp   .     .     exp   exp   .     exp   exp   W     D     .     .     .     .     .     .     .
settle/after      .     exp   exp   exp   .     .     exp   exp   .     exp   exp   W     D     .     .     .     .     .     .     .
let_go            .     .     .     .     .     .     .     .     .     .     .     .     .     D!    dec!  wit!  exp!  ovt!  ref!  bro!
`

// The same at the very instant of the deadline, and after it: what people do is cut
// off, and what has begun is finished.
const late = `
                  P     O     Oe    Oo    Oo*   Oeo*  N     Ne    Neo*  A     Ae    S     W
yes/employer      busy  gone  .     gone  busy  .     .     .     .     .     .     .     .
yes/owner         busy  gone  gone  .     .     .     .     .     .     .     .     .     .
held              .     .     .     .     Oo    N     .     .     .     .     .     .     .
held/no           .     .     .     .     O     Oe    .     .     .     .     .     .     .
decline/employer  busy  gone  gone  gone  busy  busy  conf  conf  busy  conf  conf  conf  conf
decline/owner     busy  gone  gone  gone  busy  busy  conf  conf  busy  conf  conf  conf  conf
withdraw          busy  gone  gone  gone  busy  busy  gone  gone  busy  conf  conf  conf  conf
overtake          busy  gone  gone  gone  busy  busy  gone  gone  busy  conf  conf  conf  conf
propose/employer  busy  conf  conf  conf  busy  busy  gone  gone  busy  conf  conf  conf  conf
propose/owner     busy  conf  conf  conf  busy  busy  gone  gone  busy  conf  conf  conf  conf
propose/crossing  busy  conf  conf  conf  busy  busy  gone  gone  busy  conf  conf  conf  conf
propose/same      busy  conf  conf  conf  busy  busy  gone  gone  busy  conf  conf  conf  conf
accept/employer   busy  conf  conf  conf  busy  busy  gone  .     .     .     .     .     .
accept/owner      busy  conf  conf  conf  busy  busy  gone  gone  .     .     .     .     .
accept/crossing   busy  conf  conf  conf  busy  busy  gone  gone  busy  conf  conf  conf  conf
claimed           .     .     .     .     .     .     .     .     A     .     .     .     .
claimed/no        .     .     .     .     .     .     .     .     ovt   .     .     .     .
unclaimable       .     .     .     .     .     .     .     .     exp   .     .     .     .
undraftable       .     .     .     .     .     .     .     .     wit   .     .     .     .
sign/employer     busy  conf  conf  conf  busy  busy  conf  conf  busy  gone  .     .     .
sign/owner        busy  conf  conf  conf  busy  busy  conf  conf  busy  gone  gone  .     .
refuse            busy  conf  conf  conf  busy  busy  conf  conf  busy  gone  gone  conf  conf
break_off         busy  conf  conf  conf  busy  busy  conf  conf  busy  conf  conf  bro   bro
`

const hid = "h-1"

var begin = shanghai("2026-03-01", "08:00:00")

// event does one event of the table to a handshake.
func event(h *Handshake, name string, now time.Time) ([]store.Entry, error) {
	refused := fault.New(fault.Conflict, "only 3 of the team are free")
	kind, part, _ := strings.Cut(name, "/")
	role := map[string]Role{"employer": Employer, "owner": Owner, "same": Owner}[part]
	var why error
	if part == "no" {
		why = refused
	}
	terms, newest := h.Limits.Opening.Terms(h.People), ""
	if n := h.Newest(); n != nil {
		terms, newest = n.Terms, n.Hash
	}
	switch kind {
	case "yes":
		return h.Yes(hid, role, "p", now)
	case "held":
		return h.Held(hid, why, now)
	case "admitted":
		return h.Admitted(hid, why, now)
	case "decline":
		return h.Decline(hid, role, "p", "we are away", now)
	case "withdraw":
		return h.Withdraw(hid, Employer, "p", "we are away", now)
	case "overtake":
		return h.Overtake(hid, "others were faster", now)
	case "propose":
		if part != "same" {
			terms.Pay.Amount++
		}
		if part == "crossing" {
			role, newest = Employer, "another"
		}
		return h.Propose(hid, role, "p", newest, terms, now)
	case "accept":
		if part == "crossing" {
			role, newest = Owner, "another"
		}
		return h.Accept(hid, role, "p", newest, now)
	case "claimed":
		return h.Claimed(hid, "the contract", why, now)
	case "unclaimable":
		return h.Unclaimable(hid, refused, now)
	case "undraftable":
		return h.Undraftable(hid, refused, now)
	case "sign":
		return h.Sign(hid, role, Signature{Act: Act{By: "p of the " + string(role)}}, now)
	case "refuse":
		return h.RefuseToSign(hid, Owner, "p", "not what we said", now)
	case "break_off":
		return h.BreakOff(hid, Owner, "p", "the harvest is lost", now)
	case "settle":
		return h.Settle(hid, now)
	case "let_go":
		return h.LetGo(now)
	}
	panic("no event " + name)
}

// ways lead to each situation from the proposal.
var ways = map[string][]string{
	"P": {}, "O": {"admitted"}, "Oe": {"admitted", "yes/employer"}, "Oo*": {"admitted", "yes/owner"},
	"Oo": {"admitted", "yes/owner", "held"}, "Oeo*": {"admitted", "yes/employer", "yes/owner"},
	"N":    {"admitted", "yes/employer", "yes/owner", "held"},
	"Ne":   {"admitted", "yes/employer", "yes/owner", "held", "accept/employer"},
	"Neo*": {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner"},
	"A":    {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner", "claimed"},
	"Ae":   {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner", "claimed", "sign/employer"},
	"S":    {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner", "claimed", "sign/employer", "sign/owner"},
	"W":    {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner", "claimed", "sign/employer", "sign/owner", "settle/at"},
	"D":    {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner", "claimed", "sign/employer", "sign/owner", "settle/at", "settle/at"},
	"dec":  {"admitted", "decline/owner"}, "wit": {"admitted", "yes/employer", "yes/owner", "held", "withdraw"}, "exp": {"admitted", "settle/at"},
	"ovt": {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner", "claimed/no"},
	"ref": {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner", "claimed", "sign/employer", "refuse"},
	"bro": {"admitted", "yes/employer", "yes/owner", "held", "accept/employer", "accept/owner", "claimed", "sign/employer", "sign/owner", "break_off"},
}

// situation leads a new handshake to a situation.
func situation(t *testing.T, name string) *Handshake {
	t.Helper()
	post := (&world{}).post(10, "2026-03-10", "2026-03-14")
	h := &Handshake{
		Market: county, Job: "j", Team: "t", Origin: FromEngine, Tier: 1, People: 5, Period: post.Period,
		Limits: Limits{Trade: post.Trade, Headcount: post.Headcount, Until: post.Deadline, Opening: post},
		Timing: market.DefaultSettings().Deadlines, State: Proposed,
		Employer: Side{Party: "y-e", People: []string{"p-e"}}, Owner: Side{Party: "y-o", People: []string{"p-o"}}, Created: begin,
	}
	for _, e := range ways[name] {
		if _, err := event(h, e, at(h, e)); err != nil {
			t.Fatalf("%s on the way to %s: %v", e, name, err)
		}
	}
	if got := shape(h); got != name {
		t.Fatalf("the way to %s leads to %s", name, got)
	}
	return h
}

// at gives when an event of the first table happens.
func at(h *Handshake, e string) time.Time {
	due := h.Deadline
	if due.IsZero() {
		due = begin.Add(time.Hour)
	}
	switch e {
	case "settle/at":
		return due
	case "settle/after":
		return due.Add(1000 * time.Hour)
	}
	return due.Add(-time.Millisecond)
}

// shape names a handshake's situation.
func shape(h *Handshake) string {
	name := map[State]string{
		Proposed: "P", Offered: "O", Negotiating: "N", Agreed: "A", Signed: "S", Working: "W", Done: "D",
		Declined: "dec", Withdrawn: "wit", Expired: "exp", Overtaken: "ovt", Refused: "ref", BrokenOff: "bro",
	}[h.State]
	if h.State.Over() {
		if h.Released {
			name += "!"
		}
		return name
	}
	for _, side := range []struct {
		Side
		is string
	}{{h.Employer, "e"}, {h.Owner, "o"}} {
		if h.State == Offered && side.Yes != nil || h.State == Negotiating && side.Accepted != nil || h.State == Agreed && side.Signed != nil {
			name += side.is
		}
	}
	if h.Holding || h.Claiming {
		name += "*"
	}
	return name
}

var codes = map[string]fault.Code{"gone": fault.Gone, "conf": fault.Conflict, "stale": fault.Stale, "busy": fault.Unavailable}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// try does one event in a situation and compares what comes of it with the cell.
func try(t *testing.T, from, e, want string, when func(*Handshake) time.Time) {
	t.Helper()
	h := situation(t, from)
	before, deadline := asJSON(t, h), h.Deadline
	entries, err := event(h, e, when(h))
	after := asJSON(t, h)
	if code, failed := codes[want]; failed || err != nil {
		if !failed || !fault.Is(err, code) || (code == fault.Unavailable) != errors.Is(err, errUnfinished) {
			t.Errorf("%s in %s: %v, want %s", e, from, err, want)
		}
		if before != after || entries != nil {
			t.Errorf("%s in %s is refused, and changes something", e, from)
		}
		return
	}
	if want == "." {
		if before != after || entries != nil {
			t.Errorf("%s in %s does something: %s", e, from, shape(h))
		}
		return
	}
	if got := shape(h); got != want {
		t.Errorf("%s in %s leads to %s, want %s", e, from, got, want)
	}
	audits := slices.DeleteFunc(slices.Clone(entries), func(e store.Entry) bool { return e.Log != "" })
	if before == after || len(audits) != 1 {
		t.Errorf("%s in %s: %d audit entries", e, from, len(audits))
	}
	r := &store.Report{}
	checkStages(h, "h", r)
	checkTerms(h, "h", r)
	if len(r.Findings) > 0 {
		t.Errorf("%s in %s: %v", e, from, r.Findings)
	}
	ended, sealed := h.State.Over() && !h.Released, false
	for _, entry := range entries {
		sealed = sealed || entry.Seal
	}
	if room := len(h.Proposed) > 0; sealed != (ended && room) {
		t.Errorf("%s in %s: the room is sealed %v", e, from, sealed)
	}
	if !h.State.Over() && h.State != Proposed && len(h.Stages) > 0 && h.Deadline.Equal(deadline) != (from[:1] == shape(h)[:1]) {
		t.Errorf("%s in %s: the deadline was %s and is %s", e, from, deadline, h.Deadline)
	}
}

func TestEveryEventInEverySituation(t *testing.T) {
	rows, seen := 0, map[string]bool{}
	for table, when := range map[string]func(e string) func(*Handshake) time.Time{
		events: func(e string) func(*Handshake) time.Time {
			return func(h *Handshake) time.Time { return at(h, e) }
		},
		late: func(string) func(*Handshake) time.Time {
			return func(h *Handshake) time.Time { return at(h, "settle/at") }
		},
	} {
		lines := strings.Split(strings.TrimSpace(table), "\n")
		columns := strings.Fields(lines[0])
		for _, line := range lines[1:] {
			cells := strings.Fields(line)
			if len(cells) != len(columns)+1 {
				t.Fatalf("%d cells in %q", len(cells), line)
			}
			for i, from := range columns {
				try(t, from, cells[0], cells[i+1], when(cells[0]))
				seen[from] = true
			}
			rows++
		}
	}
	for name := range ways {
		if !seen[name] {
			t.Errorf("%s is in no table", name)
		}
	}
	states := map[State]bool{}
	for name := range ways {
		states[situation(t, name).State] = true
	}
	for _, s := range States() {
		if !states[s] {
			t.Errorf("no situation is %s", s)
		}
	}
}

// TestEveryEventIsInTheTable finds an event method that nobody has thought of.
func TestEveryEventIsInTheTable(t *testing.T) {
	named := map[string]string{
		"Yes": "yes/", "Held": "held", "Admitted": "admitted", "Decline": "decline/", "Withdraw": "withdraw", "Overtake": "overtake",
		"Propose": "propose/", "Accept": "accept/", "Claimed": "claimed", "Unclaimable": "unclaimable", "Undraftable": "undraftable",
		"Sign": "sign/", "RefuseToSign": "refuse", "BreakOff": "break_off", "Settle": "settle/", "LetGo": "let_go",
	}
	typ := reflect.TypeFor[*Handshake]()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		if m.Type.NumOut() != 2 || m.Type.Out(0) != reflect.TypeFor[[]store.Entry]() {
			continue
		}
		if row, ok := named[m.Name]; !ok || !strings.Contains(events, "\n"+row) {
			t.Errorf("%s has no row", m.Name)
		}
		delete(named, m.Name)
	}
	for name := range named {
		t.Errorf("there is no event %s any more", name)
	}
}
