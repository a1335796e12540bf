package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
)

var at = time.Date(2026, 5, 1, 16, 0, 0, 0, time.FixedZone("east", 8*3600))

func TestSub(t *testing.T) {
	c := Command{ID: "k", Actor: "p", From: "s", At: at, Hash: "h", Lease: "l", Epoch: 2}
	got := c.Sub("team")
	c.ID, c.Hash = "k/team", ""
	if got != c {
		t.Errorf("%+v", got)
	}
}

func TestRemember(t *testing.T) {
	var list []Done
	for i := range int64(200) {
		before := list
		list = remember(list, Command{ID: fmt.Sprint(i)}, i+1)
		if len(list) > remembered || list[len(list)-1].Rev != i+1 {
			t.Fatalf("%d remembered, the last is %+v", len(list), list[len(list)-1])
		}
		remember(before, Command{ID: "other"}, 0) // must not show in list
		if list[len(list)-1].ID != fmt.Sprint(i) {
			t.Fatal("two lists share their end")
		}
	}
	if len(list) != remembered || list[0].ID != fmt.Sprint(200-remembered) {
		t.Errorf("%d remembered from %s on", len(list), list[0].ID)
	}
}

func TestRecall(t *testing.T) {
	d := &Document{Commands: []Done{{ID: "a", Hash: "1"}, {ID: "b"}}}
	for _, c := range []struct {
		cmd  Command
		seen bool
		err  error
	}{
		{Command{ID: "a", Hash: "1"}, true, nil},
		{Command{ID: "a", Hash: "2"}, false, ErrReused},
		{Command{ID: "b"}, true, nil},
		{Command{ID: "b", Hash: "1"}, false, ErrReused},
		{Command{ID: "c"}, false, nil},
	} {
		if seen, err := recall(d, c.cmd); seen != c.seen || !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, %v", c.cmd, seen, err)
		}
	}
}

func TestRaise(t *testing.T) {
	before := map[string]int64{"a": 1}
	after := raise(before, "b", 2)
	if len(before) != 1 || len(after) != 2 || after["a"] != 1 || after["b"] != 2 {
		t.Errorf("%v, %v", before, after)
	}
	if got := raise(nil, "a", 1); got["a"] != 1 {
		t.Errorf("%v", got)
	}
}

// TestComplete fills in what entries leave open, and chains the audit record.
func TestComplete(t *testing.T) {
	doc := &Document{Collection: "jobs", ID: "j", Rev: 3, Body: json.RawMessage(`{"b":1,"a":2}`), Head: "before"}
	cmd := Command{ID: "k", Actor: "p", From: "s", At: at, Epoch: 4}
	given := []Entry{
		{Log: "feed", Kind: "job.open"},
		Audit("job.open", "because", map[string]int{"n": 1}),
		{Log: "inbox", ID: "own", Kind: "x", At: at.Add(time.Hour)},
	}
	entries, err := complete(doc, cmd, given, false)
	if err != nil {
		t.Fatal(err)
	}
	if e := entries[0]; e.ID != "jobs/j@3.0" || !e.At.Equal(at) || e.At.Location() != time.UTC || string(e.Body) != `{"collection":"jobs","id":"j","rev":3}` {
		t.Errorf("%+v", e)
	}
	if e := entries[2]; e.ID != "own" || !e.At.Equal(at.Add(time.Hour)) {
		t.Errorf("%+v", e)
	}
	audit := entries[1]
	if audit.Log != "audit/jobs/j" || audit.ID != "jobs/j@3.1" || given[1].Log != "" {
		t.Errorf("%+v", audit)
	}
	var rec AuditRecord
	if err := json.Unmarshal(audit.Body, &rec); err != nil {
		t.Fatal(err)
	}
	body, _ := Hash(json.RawMessage(`{"a":2,"b":1}`))
	head, _ := Hash(audit.Body)
	want := AuditRecord{
		Act: "job.open", Why: "because", Facts: json.RawMessage(`{"n":1}`), Actor: "p", From: "s",
		Command: "k", Rev: 3, Body: body, Prev: "before", Epoch: 4,
	}
	if fmt.Sprint(rec) != fmt.Sprint(want) || doc.Head != head {
		t.Errorf("%+v, head %s", rec, doc.Head)
	}
}

func TestCompleteRefuses(t *testing.T) {
	doc := func() *Document { return &Document{Collection: "jobs", ID: "j", Rev: 1, Body: json.RawMessage(`{}`)} }
	a := Audit("a", "", nil)
	if _, err := complete(doc(), Command{At: at}, []Entry{a, {Kind: "k"}}, false); !fault.Is(err, fault.Internal) {
		t.Errorf("an entry without a log: %v", err)
	}
	for _, entries := range [][]Entry{nil, {a, a}, {{Log: "l", Kind: "audit"}}} {
		if _, err := complete(doc(), Command{At: at}, entries, false); !errors.Is(err, ErrNoAudit) {
			t.Errorf("%d entries: %v", len(entries), err)
		}
		if _, err := complete(doc(), Command{At: at}, entries, true); err != nil {
			t.Errorf("%d entries, unaudited: %v", len(entries), err)
		}
	}
	bad := doc()
	bad.Body = json.RawMessage(`{`)
	if _, err := complete(bad, Command{At: at}, []Entry{a}, false); err == nil {
		t.Error("a body that is no JSON")
	}
	a.Body = json.RawMessage(`[]`)
	if _, err := complete(doc(), Command{At: at}, []Entry{a}, false); err == nil {
		t.Error("an audit record that is none")
	}
}

func TestAuditFacts(t *testing.T) {
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "audit facts") {
			t.Errorf("facts that are no JSON: %s", p)
		}
	}()
	Audit("a", "", func() {})
}

func TestHash(t *testing.T) {
	a, errA := Hash(json.RawMessage(`{"b": 1.0, "a": "é"}`))
	b, errB := Hash(json.RawMessage(`{"a":"\u00e9","b":1}`))
	if errA != nil || errB != nil || a != b || len(a) != 64 {
		t.Errorf("%s %v, %s %v", a, errA, b, errB)
	}
	if _, err := Hash(json.RawMessage(`{"a":}`)); err == nil {
		t.Error("the hash of what is no JSON")
	}
}

func TestCursorText(t *testing.T) {
	for _, key := range []Key{"", K("a", 1), K("\x00\x1e\x1f"), "中"} {
		for _, id := range []string{"a", "a\x00b", "中/é"} {
			k, i, err := parseCursor(formatCursor(key, id))
			if err != nil || k != key || i != id {
				t.Errorf("%q %q: %q %q %v", key, id, k, i, err)
			}
		}
	}
	for _, s := range []string{"!", "YQ", "YQ=="} {
		if _, _, err := parseCursor(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", s, err)
		}
	}
}
