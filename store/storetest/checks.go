package storetest

import (
	"encoding/json"
	"errors"
	"strings"

	"hezuo/store"
)

// checksFind plants faults with raw writes and looks whether the checks see them.
func checksFind(s *suite) {
	s.faulty = true
	for name, plant := range map[string]func(d *store.Document) []store.Entry{
		"no audit record": func(*store.Document) []store.Entry { return nil },
		"a record that is not chained": func(d *store.Document) []store.Entry {
			e := store.Audit("thing.forge", "", nil)
			e.Log, e.ID, e.At = store.AuditLog(d.Collection, d.ID), "forged", start
			return []store.Entry{e}
		},
		"a record of another content": func(d *store.Document) []store.Entry { return []store.Entry{s.chained(d, "00")} },
		"another head":                func(d *store.Document) []store.Entry { e := s.chained(d, ""); d.Head = "00"; return []store.Entry{e} },
		"nothing":                     func(d *store.Document) []store.Entry { return []store.Entry{s.chained(d, "")} },
	} {
		collection := strings.ReplaceAll(name, " ", "-")
		c := collect(s, s.db, thingSpec(collection))
		_, err := c.Create(s.ctx(), "a", command("c"), set(thing{N: 1}))
		s.no(err)
		d, err := s.db.Get(s.ctx(), collection, "a")
		s.no(err)
		d.Rev, d.Body = 2, json.RawMessage(`{"id":"a","doc":{"name":"forged","group":"","n":2}}`)
		s.no(s.db.Write(s.ctx(), store.Write{Collection: collection, ID: "a", Expect: 1, Entries: plant(d), Doc: d}))
		report := &store.Report{}
		s.no(store.CheckTrails(s.ctx(), s.db, []store.Checked{c}, report))
		if found := len(report.Findings) > 0; found == (name == "nothing") {
			s.Errorf("planted: %s; found: %v", name, report.Findings)
		}
		if report.Counted[collection] != 1 {
			s.Errorf("counted: %v", report.Counted)
		}
	}
}

// chained makes the audit entry of a document's newest revision as a Collection
// would, and sets its head; content, if not empty, is named as the body's hash.
func (s *suite) chained(d *store.Document, content string) store.Entry {
	s.Helper()
	rec := store.AuditRecord{Act: "thing.forge", Actor: "x", Command: "x", Rev: d.Rev, Prev: d.Head, Body: content}
	var err error
	if content == "" {
		rec.Body, err = store.Hash(d.Body)
		s.no(err)
	}
	body, err := json.Marshal(rec)
	s.no(err)
	d.Head, err = store.Hash(body)
	s.no(err)
	return store.Entry{Log: store.AuditLog(d.Collection, d.ID), ID: "forged", Kind: "audit", At: start, Body: body}
}

// closedStore calls what is closed.
func closedStore(s *suite) {
	c := s.things()
	db := s.db
	s.reopen()
	for name, err := range map[string]error{
		"get":    func() error { _, err := c.Get(s.ctx(), "a"); return err }(),
		"create": func() error { _, err := c.Create(s.ctx(), "a", command("c"), set(thing{})); return err }(),
		"append": func() error { _, err := db.Append(s.ctx(), entry("l", "1")); return err }(),
		"read":   func() error { _, err := db.Read(s.ctx(), "l", 0, 1); return err }(),
		"logs":   func() error { _, err := db.Logs(s.ctx(), "", "", 1); return err }(),
		"ready":  db.Ready(s.ctx()),
		"define": db.Define(s.ctx(), store.Definition{Collection: "other"}),
	} {
		if !errors.Is(err, store.ErrClosed) {
			s.Errorf("%s: %v", name, err)
		}
	}
	s.no(db.Close())
	s.things()
	nothing(s)
}
