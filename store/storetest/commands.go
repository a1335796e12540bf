package storetest

import (
	"errors"
	"fmt"

	"hezuo/fault"
	"hezuo/store"
)

func commandRepeated(s *suite) {
	c := s.things()
	first, err := c.Create(s.ctx(), "a", command("c"), set(thing{N: 1}))
	s.no(err)
	again, err := c.Create(s.ctx(), "a", command("c"), set(thing{N: 100}))
	s.no(err)
	if !again.Repeated || again.Rev != first.Rev || again.Doc.N != 1 {
		s.Fatalf("create repeated: %+v", again)
	}
	for i := range 5 {
		it, err := c.Update(s.ctx(), "a", command("u"), add(10))
		s.no(err)
		if it.Repeated != (i > 0) || it.Rev != 2 || it.Doc.N != 11 {
			s.Fatalf("update, time %d: %+v", i, it)
		}
	}
	s.reopen()
	c = s.things()
	it, err := c.Update(s.ctx(), "a", command("u"), add(10))
	s.no(err)
	if !it.Repeated || it.Doc.N != 11 {
		s.Fatalf("update after reopening: %+v", it)
	}
	for range 2 {
		s.no(c.Delete(s.ctx(), "a", command("d"), func(*thing) ([]store.Entry, error) {
			return []store.Entry{store.Audit("thing.delete", "", nil)}, nil
		}))
	}
	trail, err := s.db.Read(s.ctx(), store.AuditLog("things", "a"), 0, 100)
	s.no(err)
	if len(trail) != 3 {
		s.Fatalf("%d audit records for three acts", len(trail))
	}
	racingRepeats(s, c)
}

// racingRepeats sends one command from many goroutines at once.
func racingRepeats(s *suite, c *store.Collection[thing]) {
	_, err := c.Create(s.ctx(), "b", command("c"), set(thing{}))
	s.no(err)
	parallel(16, func(int) {
		it, err := c.Update(s.ctx(), "b", command("once"), add(1))
		if err != nil || it.Doc.N != 1 || it.Rev != 2 {
			s.Errorf("one command from many: %+v, %v", it, err)
		}
	})
}

func commandReused(s *suite) {
	c := s.things()
	cmd := command("c")
	cmd.Hash = "one"
	_, err := c.Create(s.ctx(), "a", cmd, set(thing{N: 1}))
	s.no(err)
	cmd.Hash = "two"
	if _, err := c.Create(s.ctx(), "a", cmd, set(thing{N: 2})); !errors.Is(err, store.ErrReused) {
		s.Fatalf("create with another hash: %v", err)
	}
	if _, err := c.Update(s.ctx(), "a", cmd, add(1)); !errors.Is(err, store.ErrReused) || !fault.Is(err, fault.Reused) {
		s.Fatalf("update with another hash: %v", err)
	}
	cmd.Hash = "one"
	it, err := c.Update(s.ctx(), "a", cmd, add(1))
	s.no(err)
	if !it.Repeated || it.Doc.N != 1 {
		s.Fatalf("with the same hash: %+v", it)
	}
}

func commandMemory(s *suite) {
	c := s.things()
	const n = 120
	for i := range n {
		_, err := c.Put(s.ctx(), "a", command("u%d", i), add(1))
		s.no(err)
	}
	d, err := s.db.Get(s.ctx(), "things", "a")
	s.no(err)
	kept := len(d.Commands)
	if kept < 16 || kept >= n {
		s.Fatalf("%d of %d commands are remembered", kept, n)
	}
	for i, done := range d.Commands {
		want := n - kept + i
		if done.ID != fmt.Sprint("u", want) || done.Rev != int64(want+1) {
			s.Fatalf("command %d of the memory is %+v", i, done)
		}
	}
	for _, done := range d.Commands {
		it, err := c.Put(s.ctx(), "a", command("%s", done.ID), add(1))
		s.no(err)
		if !it.Repeated {
			s.Fatalf("command %s was done again", done.ID)
		}
	}
}

func commandIncomplete(s *suite) {
	c := s.things()
	for _, change := range []func(*store.Command){
		func(c *store.Command) { c.ID = "" },
		func(c *store.Command) { c.Actor = "" },
		func(c *store.Command) { c.At = c.At.AddDate(-4000, 0, 0); *c = store.Command{ID: c.ID, Actor: c.Actor} },
	} {
		cmd := command("c")
		change(&cmd)
		if _, err := c.Create(s.ctx(), "a", cmd, set(thing{})); !fault.Is(err, fault.Internal) {
			s.Errorf("a command %+v was taken: %v", cmd, err)
		}
	}
	nothing(s)
}

// nothing fails the test if thing a or anything about it is in the store.
func nothing(s *suite) {
	s.Helper()
	const id = "a"
	if _, err := s.db.Get(s.ctx(), "things", id); !errors.Is(err, store.ErrNotFound) {
		s.Errorf("the document %s is there: %v", id, err)
	}
	logs, err := s.db.Logs(s.ctx(), "", "", 1000)
	s.no(err)
	for _, l := range logs {
		if l.Log == store.AuditLog("things", id) || l.Log == "feed/"+id {
			s.Errorf("the log %s is there", l.Log)
		}
	}
	found, err := s.db.Find(s.ctx(), store.Query{Collection: "things", Index: "group", Limit: 1000})
	s.no(err)
	for _, m := range found {
		if m.Doc.ID == id {
			s.Errorf("the document %s is in an index", id)
		}
	}
}

func auditMissing(s *suite) {
	c := s.things()
	bare := func(d *thing) ([]store.Entry, error) {
		d.N++
		return []store.Entry{{Log: "feed/a", Kind: "k"}}, nil
	}
	if _, err := c.Create(s.ctx(), "a", command("c"), bare); !errors.Is(err, store.ErrNoAudit) {
		s.Fatalf("create without audit: %v", err)
	}
	nothing(s)
	_, err := c.Create(s.ctx(), "a", command("c"), set(thing{N: 1}))
	s.no(err)
	before, err := s.db.Get(s.ctx(), "things", "a")
	s.no(err)
	for _, fn := range []func(*thing) ([]store.Entry, error){
		bare,
		func(d *thing) ([]store.Entry, error) { d.N++; return nil, nil },
		func(d *thing) ([]store.Entry, error) {
			d.N++
			return []store.Entry{store.Audit("a", "", nil), store.Audit("b", "", nil)}, nil
		},
	} {
		if _, err := c.Update(s.ctx(), "a", command("u"), fn); !errors.Is(err, store.ErrNoAudit) {
			s.Fatalf("update without its one audit entry: %v", err)
		}
	}
	if err := c.Delete(s.ctx(), "a", command("d"), func(*thing) ([]store.Entry, error) { return nil, nil }); !errors.Is(err, store.ErrNoAudit) {
		s.Fatalf("delete without audit: %v", err)
	}
	unchanged(s, before)
	if records, err := s.db.Read(s.ctx(), "feed/a", 0, 1); err != nil || len(records) != 0 {
		s.Fatalf("an entry of what was refused is there: %v, %v", records, err)
	}
}

// unchanged fails the test if a document is not as it was.
func unchanged(s *suite, before *store.Document) {
	s.Helper()
	after, err := s.db.Get(s.ctx(), before.Collection, before.ID)
	s.no(err)
	if d := diff(before, after); d != "" {
		s.Fatal(d)
	}
}

func functionFails(s *suite) {
	c := s.things()
	why := errors.New("not today")
	fails := func(d *thing) ([]store.Entry, error) {
		d.N = 99
		return []store.Entry{store.Audit("a", "", nil), {Log: "feed/a", Kind: "k"}}, why
	}
	if _, err := c.Create(s.ctx(), "a", command("c"), fails); !errors.Is(err, why) {
		s.Fatalf("create: %v", err)
	}
	nothing(s)
	_, err := c.Create(s.ctx(), "a", command("c"), set(thing{N: 1}))
	s.no(err)
	before, err := s.db.Get(s.ctx(), "things", "a")
	s.no(err)
	if _, err := c.Update(s.ctx(), "a", command("u"), fails); !errors.Is(err, why) {
		s.Fatalf("update: %v", err)
	}
	if err := c.Delete(s.ctx(), "a", command("d"), fails); !errors.Is(err, why) {
		s.Fatalf("delete: %v", err)
	}
	unchanged(s, before)
	it, err := c.Update(s.ctx(), "a", command("u"), add(1))
	s.no(err)
	if it.Repeated || it.Doc.N != 2 {
		s.Fatalf("a command that failed is remembered: %+v", it)
	}
}
