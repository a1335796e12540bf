package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"

	"hezuo/store"
)

// racingUpdates is 32 × 200 updates of one document: each is counted once, and
// leaves one record in the trail.
func racingUpdates(s *suite) {
	c := s.things()
	_, err := c.Create(s.ctx(), "a", command("c"), set(thing{}))
	s.no(err)
	const workers, each = 32, 200
	parallel(workers, func(w int) {
		for i := range each {
			if _, err := c.Update(s.ctx(), "a", command("%d-%d", w, i), add(1)); err != nil {
				s.Errorf("update: %v", err)
				return
			}
		}
	})
	it, err := c.Get(s.ctx(), "a")
	s.no(err)
	if it.Doc.N != workers*each || it.Rev != workers*each+1 {
		s.Fatalf("counted %d at revision %d", it.Doc.N, it.Rev)
	}
	if n := len(everything(s, store.AuditLog("things", "a"))); n != workers*each+1 {
		s.Fatalf("%d audit records", n)
	}
}

// racingCreates has many create one document with different commands.
func racingCreates(s *suite) {
	c := s.things()
	for round := range count(10, 50) {
		id := fmt.Sprint("doc", round)
		var won atomic.Int64
		parallel(16, func(w int) {
			_, err := c.Create(s.ctx(), id, command("%d", w), set(thing{N: int64(w)}, store.Entry{Log: "feed", Kind: id}))
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrExists):
				s.Errorf("create: %v", err)
			}
		})
		if won.Load() != 1 {
			s.Fatalf("%d have created %s", won.Load(), id)
		}
	}
	if n := len(everything(s, "feed")); n != count(10, 50) {
		s.Fatalf("%d entries", n)
	}
}

// racingUnique has 32 create a document each with one key, again over many keys.
func racingUnique(s *suite) {
	c := s.things()
	for round := range count(12, 100) {
		code := fmt.Sprint("code", round)
		var won atomic.Int64
		parallel(32, func(w int) {
			_, err := c.Create(s.ctx(), fmt.Sprintf("%s-%d", code, w), command("c"), set(thing{Code: code}, store.Entry{Log: "feed", Kind: code}))
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrDuplicate):
				s.Errorf("create: %v", err)
			}
		})
		if won.Load() != 1 {
			s.Fatalf("%d hold %s", won.Load(), code)
		}
		page, err := c.Find(s.ctx(), store.Range{Index: "code", Prefix: store.K(code)})
		s.no(err)
		if len(page.Items) != 1 {
			s.Fatalf("%d found by %s", len(page.Items), code)
		}
	}
	if n := len(everything(s, "feed")); n != count(12, 100) {
		s.Fatalf("%d entries", n)
	}
	all, err := c.Find(s.ctx(), store.Range{Limit: 1000})
	s.no(err)
	if len(all.Items) != count(12, 100) {
		s.Fatalf("%d documents", len(all.Items))
	}
}

// byCode gives the id of the document that holds a code.
func byCode(s *suite, c *store.Collection[thing], code string) string {
	s.Helper()
	it, err := c.One(s.ctx(), store.Range{Index: "code", Prefix: store.K(code)})
	if errors.Is(err, store.ErrNotFound) {
		return ""
	}
	s.no(err)
	return it.ID
}

func uniqueMoves(s *suite) {
	c := s.things()
	_, err := c.Create(s.ctx(), "a", command("c"), set(thing{Code: "x"}))
	s.no(err)
	_, err = c.Create(s.ctx(), "b", command("c"), set(thing{Code: "y"}))
	s.no(err)
	take := func(id, cmd, code string) error {
		_, err := c.Update(s.ctx(), id, command("%s", cmd), set(thing{Code: code}))
		return err
	}
	if err := take("b", "1", "x"); !errors.Is(err, store.ErrDuplicate) {
		s.Fatalf("a key that another holds: %v", err)
	}
	if got := byCode(s, c, "y"); got != "b" {
		s.Fatalf("after the refusal y is held by %q", got)
	}
	s.no(take("a", "2", "")) // gives it up
	s.no(take("b", "3", "x"))
	if x, y := byCode(s, c, "x"), byCode(s, c, "y"); x != "b" || y != "" {
		s.Fatalf("x is held by %q, y by %q", x, y)
	}
	s.no(take("a", "4", "y"))
	s.no(c.Delete(s.ctx(), "b", command("d"), func(*thing) ([]store.Entry, error) {
		return []store.Entry{store.Audit("thing.delete", "", nil)}, nil
	}))
	s.no(take("a", "5", "x"))
	if x, y := byCode(s, c, "x"), byCode(s, c, "y"); x != "a" || y != "" {
		s.Fatalf("x is held by %q, y by %q", x, y)
	}
	movesUnderRace(s, c)
}

// movesUnderRace passes one key round among documents that race for it: never
// two hold it.
func movesUnderRace(s *suite, c *store.Collection[thing]) {
	const docs = 6
	for i := range docs {
		_, err := c.Create(s.ctx(), fmt.Sprint("r", i), command("c"), set(thing{}))
		s.no(err)
	}
	var took atomic.Int64
	parallel(docs, func(i int) {
		id := fmt.Sprint("r", i)
		for n := range count(20, 100) {
			_, err := c.Update(s.ctx(), id, command("take%d", n), set(thing{Code: "baton"}))
			if errors.Is(err, store.ErrDuplicate) {
				continue
			}
			if err != nil {
				s.Errorf("take: %v", err)
				return
			}
			took.Add(1)
			if got := byCode(s, c, "baton"); got != id {
				s.Errorf("%s took the key and %q has it", id, got)
			}
			if _, err := c.Update(s.ctx(), id, command("give%d", n), set(thing{})); err != nil {
				s.Errorf("give: %v", err)
			}
		}
	})
	if took.Load() == 0 {
		s.Error("nobody ever got the key")
	}
}

// uniqueSelf lets a document keep its own key, change others, and name one twice.
func uniqueSelf(s *suite) {
	c := collect(s, s.db, store.Spec[thing]{Name: "tagged", Indexes: []store.Index[thing]{
		{Name: "tag", Version: 1, Unique: true, Keys: func(_ string, d *thing) (keys []store.Key) {
			for _, tag := range d.Tags {
				keys = append(keys, store.K(tag))
			}
			return keys
		}},
	}})
	for i, tags := range [][]string{{"a", "b"}, {"b", "a"}, {"b", "b", "c"}, {"c"}, {"a", "c", "d"}} {
		_, err := c.Put(s.ctx(), "one", command("%d", i), set(thing{Tags: tags}))
		s.no(err)
	}
	if _, err := c.Put(s.ctx(), "two", command("0"), set(thing{Tags: []string{"b", "d"}})); !errors.Is(err, store.ErrDuplicate) {
		s.Fatalf("one of two keys is held: %v", err)
	}
	_, err := c.Put(s.ctx(), "two", command("1"), set(thing{Tags: []string{"b", "e"}}))
	s.no(err)
	page, err := c.Find(s.ctx(), store.Range{Index: "tag"})
	s.no(err)
	var got string
	for _, it := range page.Items {
		got += it.ID + " "
	}
	if got != "one two one one two " {
		s.Fatalf("by tag: %s", got)
	}
}
