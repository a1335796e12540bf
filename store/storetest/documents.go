package storetest

import (
	"errors"
	"fmt"

	"hezuo/store"
)

func documentLife(s *suite) {
	c := s.things()
	if _, err := c.Get(s.ctx(), "a"); !errors.Is(err, store.ErrNotFound) {
		s.Fatalf("get before create: %v", err)
	}
	if _, err := c.Update(s.ctx(), "a", command("u0"), add(1)); !errors.Is(err, store.ErrNotFound) {
		s.Fatalf("update before create: %v", err)
	}
	it, err := c.Create(s.ctx(), "a", command("c"), set(thing{Name: "甲", Group: "g", N: 1}))
	s.no(err)
	if it.Rev != 1 || it.Doc.Name != "甲" || it.Repeated {
		s.Fatalf("created %+v", it)
	}
	if _, err := c.Create(s.ctx(), "a", command("c2"), set(thing{})); !errors.Is(err, store.ErrExists) {
		s.Fatalf("create again: %v", err)
	}
	it, err = c.Update(s.ctx(), "a", command("u"), add(2))
	s.no(err)
	if it.Rev != 2 || it.Doc.N != 3 || it.Doc.Name != "甲" {
		s.Fatalf("updated %+v", it)
	}
	same, err := c.Update(s.ctx(), "a", command("nothing"), func(*thing) ([]store.Entry, error) { return nil, nil })
	s.no(err)
	if same.Rev != 2 {
		s.Fatalf("an update that changes nothing made revision %d", same.Rev)
	}
	s.no(c.Delete(s.ctx(), "a", command("d"), func(d *thing) ([]store.Entry, error) {
		if d.N != 3 {
			return nil, fmt.Errorf("deleted with n=%d", d.N)
		}
		return []store.Entry{store.Audit("thing.delete", "test", nil)}, nil
	}))
	deleted(s, c)
	s.reopen()
	deleted(s, s.things())
}

// deleted looks at the tombstone of thing a.
func deleted(s *suite, c *store.Collection[thing]) {
	s.Helper()
	if _, err := c.Get(s.ctx(), "a"); !errors.Is(err, store.ErrNotFound) {
		s.Fatalf("get after delete: %v", err)
	}
	if _, err := c.Update(s.ctx(), "a", command("late"), add(1)); !errors.Is(err, store.ErrNotFound) {
		s.Fatalf("update after delete: %v", err)
	}
	if _, err := c.Create(s.ctx(), "a", command("late create"), set(thing{})); !errors.Is(err, store.ErrExists) {
		s.Fatalf("create after delete: %v", err)
	}
	s.no(c.Delete(s.ctx(), "a", command("late delete"), func(*thing) ([]store.Entry, error) {
		return nil, errors.New("called for what is deleted")
	}))
	d, err := s.db.Get(s.ctx(), c.Name(), "a")
	s.no(err)
	if !d.Deleted || d.Rev != 3 || len(d.Body) != 0 || d.Head == "" || d.ID != "a" || d.Collection != c.Name() {
		s.Fatalf("tombstone %+v", d)
	}
	page, err := c.Find(s.ctx(), store.Range{Index: "group"})
	s.no(err)
	if len(page.Items) != 0 {
		s.Fatal("a deleted document is found by an index")
	}
	trail, err := s.db.Read(s.ctx(), store.AuditLog(c.Name(), "a"), 0, 10)
	s.no(err)
	if len(trail) != 3 {
		s.Fatalf("a trail of %d records", len(trail))
	}
}

func documentPut(s *suite) {
	c := s.things()
	for i := range 3 {
		it, err := c.Put(s.ctx(), "a", command("p%d", i), add(1))
		s.no(err)
		if it.Rev != int64(i+1) || it.Doc.N != int64(i+1) {
			s.Fatalf("put %d gave %+v", i, it)
		}
	}
	s.no(c.Delete(s.ctx(), "a", command("d"), func(*thing) ([]store.Entry, error) {
		return []store.Entry{store.Audit("thing.delete", "", nil)}, nil
	}))
	it, err := c.Put(s.ctx(), "a", command("again"), add(7))
	s.no(err)
	if it.Rev != 5 || it.Doc.N != 7 {
		s.Fatalf("put on a tombstone gave %+v", it)
	}
}

func documentReopened(s *suite) {
	c := s.things()
	const n = 20
	for i := range n {
		_, err := c.Create(s.ctx(), fmt.Sprint("t", i), command("c%d", i), set(thing{Name: "x", Group: "g", N: int64(i), Tags: []string{"a", "b"}}))
		s.no(err)
	}
	before, err := s.db.Find(s.ctx(), store.Query{Collection: "things", Limit: 100})
	s.no(err)
	s.reopen()
	c = s.things()
	after, err := s.db.Find(s.ctx(), store.Query{Collection: "things", Limit: 100})
	s.no(err)
	if d := diff(before, after); d != "" || len(after) != n {
		s.Fatalf("reopened with %d documents: %s", len(after), d)
	}
	page, err := c.Find(s.ctx(), store.Range{Index: "tag", Prefix: store.K("b")})
	s.no(err)
	if len(page.Items) != n {
		s.Fatalf("%d of %d documents by their tag", len(page.Items), n)
	}
}

func rawWrites(s *suite) {
	c := collect(s, s.db, store.Spec[thing]{Name: "raw", Unaudited: "raw writes"})
	_ = c
	write := func(expect int64, doc *store.Document) error {
		return s.db.Write(s.ctx(), store.Write{Collection: "raw", ID: "a", Expect: expect, Doc: doc})
	}
	doc := func(rev int64) *store.Document {
		return &store.Document{
			Collection: "raw", ID: "a", Rev: rev, Body: []byte(`{"id":"a","doc":{"name":"x"}}`), Head: "h",
			Commands: []store.Done{{ID: "c", Rev: rev, Hash: "f"}, {ID: "d", Rev: rev}},
			Epochs:   map[string]int64{"l": 3, "m": 4},
		}
	}
	if err := write(1, doc(2)); !errors.Is(err, store.ErrConflict) {
		s.Fatalf("write on nothing: %v", err)
	}
	s.no(write(0, doc(1)))
	if err := write(0, doc(1)); !errors.Is(err, store.ErrConflict) {
		s.Fatalf("create twice: %v", err)
	}
	s.no(write(1, doc(2)))
	got, err := s.db.Get(s.ctx(), "raw", "a")
	s.no(err)
	if d := diff(doc(2), got); d != "" {
		s.Fatal(d)
	}
	if err := write(1, nil); !errors.Is(err, store.ErrConflict) {
		s.Fatalf("remove another revision: %v", err)
	}
	s.no(write(2, nil))
	if _, err := s.db.Get(s.ctx(), "raw", "a"); !errors.Is(err, store.ErrNotFound) {
		s.Fatalf("get what was removed: %v", err)
	}
	s.no(write(0, doc(1)))
}
