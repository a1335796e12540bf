package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hezuo/store"
)

func severalKeys(s *suite) {
	c := s.things()
	put := func(id, cmd string, tags ...string) {
		s.Helper()
		_, err := c.Put(s.ctx(), id, command("%s", cmd), set(thing{Tags: tags}))
		s.no(err)
	}
	by := func(tag string) []string {
		s.Helper()
		return pages(s, c, store.Range{Index: "tag", Prefix: store.K(tag), Limit: 1})
	}
	put("a", "1", "red", "green", "red")
	put("b", "1", "green", "blue")
	for tag, want := range map[string][]string{"red": {"a"}, "green": {"a", "b"}, "blue": {"b"}, "re": nil} {
		if got := by(tag); !slices.Equal(got, want) {
			s.Errorf("%s: %v", tag, got)
		}
	}
	put("a", "2", "blue")
	put("b", "2")
	for tag, want := range map[string][]string{"red": nil, "green": nil, "blue": {"a"}} {
		if got := by(tag); !slices.Equal(got, want) {
			s.Errorf("after a change, %s: %v", tag, got)
		}
	}
	put("b", "3", "x", "y", "z")
	if got := pages(s, c, store.Range{Index: "tag", Limit: 2}); !slices.Equal(got, []string{"a", "b", "b", "b"}) {
		s.Errorf("all tags: %v", got)
	}
	found, err := s.db.Find(s.ctx(), store.Query{Collection: "things", Index: "tag", Descending: true, Limit: 1})
	s.no(err)
	if len(found) != 1 || found[0].Key != store.K("z") {
		s.Errorf("the last key is %+v", found)
	}
}

func noSuchIndex(s *suite) {
	c := s.things()
	if _, err := c.Find(s.ctx(), store.Range{Index: "colour"}); !errors.Is(err, store.ErrNoIndex) {
		s.Fatalf("find: %v", err)
	}
}

// renumbered is a collection whose index orders by n, or, in version 2, by n
// backwards.
func renumbered(version int) store.Spec[thing] {
	return store.Spec[thing]{Name: "things", Indexes: []store.Index[thing]{
		{Name: "n", Version: version, Keys: func(_ string, d *thing) []store.Key {
			if version == 1 {
				return []store.Key{store.K(d.N)}
			}
			return []store.Key{store.K("v2", -d.N)}
		}},
		{Name: "group", Version: 1, Keys: func(_ string, d *thing) []store.Key { return []store.Key{store.K(d.Group)} }},
	}}
}

// populate makes documents 0 to n-1.
func populate(s *suite, c *store.Collection[thing], n int) {
	s.Helper()
	parallel(8, func(w int) {
		for i := w; i < n; i += 8 {
			if _, err := c.Create(s.ctx(), fmt.Sprintf("d%05d", i), command("c"), set(thing{Group: "g", N: int64(i)})); err != nil {
				s.Errorf("create: %v", err)
				return
			}
		}
	})
}

// indexVersions opens a store with a new version of an index while writers go
// on: Find waits, and from then on is right.
func indexVersions(s *suite) {
	n := count(300, 3000)
	populate(s, collect(s, s.db, renumbered(1)), n)
	s.reopen()
	c := collect(s, s.db, renumbered(2))
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		parallel(2, func(w int) {
			for i := w; !stop.Load(); i += 2 {
				var err error
				if w == 0 {
					_, err = c.Update(s.ctx(), fmt.Sprintf("d%05d", (i*31)%n|1), command("u%d", i), add(1_000_000))
				} else {
					_, err = c.Create(s.ctx(), fmt.Sprintf("d%05d", n+i), command("c"), set(thing{Group: "g", N: int64(n + i)}))
				}
				if err != nil {
					s.Errorf("write: %v", err)
					return
				}
			}
		})
	}()
	end := sync.OnceFunc(func() {
		stop.Store(true)
		<-done
	})
	defer end()
	seen := map[string]int{}
	for _, id := range pages(s, c, store.Range{Index: "n", Prefix: store.K("v2"), Limit: 100}) {
		seen[id]++
	}
	for i := 0; i < n; i += 2 { // those that keep their key
		if id := fmt.Sprintf("d%05d", i); seen[id] != 1 {
			s.Errorf("%s was seen %d times by the new index", id, seen[id])
		}
	}
	end()
	rightBy(s, c)
	s.no(s.db.Ready(s.ctx()))
	s.reopen()
	rightBy(s, collect(s, s.db, renumbered(2)))
}

// rightBy compares version 2 of the index with the documents.
func rightBy(s *suite, c *store.Collection[thing]) {
	s.Helper()
	var want []store.Item[thing]
	s.no(c.Each(s.ctx(), store.Range{Limit: 500}, func(it store.Item[thing]) error {
		want = append(want, it)
		return nil
	}))
	slices.SortFunc(want, func(a, b store.Item[thing]) int {
		if a.Doc.N != b.Doc.N {
			return int(b.Doc.N - a.Doc.N)
		}
		return map[bool]int{true: -1, false: 1}[a.ID < b.ID]
	})
	i := 0
	s.no(c.Each(s.ctx(), store.Range{Index: "n", Limit: 500}, func(it store.Item[thing]) error {
		if i >= len(want) || it.ID != want[i].ID || it.Doc.N != want[i].Doc.N {
			return fmt.Errorf("document %d by the index is %s", i, it.ID)
		}
		i++
		return nil
	}))
	if i != len(want) {
		s.Fatalf("%d of %d documents by the index", i, len(want))
	}
}

// indexOutdated has an older program go on beside a newer one: whatever of its
// acts is not refused must not make the newer index wrong, and it must never see
// a page that is.
func indexOutdated(s *suite) {
	const n = 60
	old := collect(s, s.db, renumbered(1))
	populate(s, old, n)
	newer := collect(s, s.open(), renumbered(2))
	refused := 0
	for i := range 40 {
		_, err := old.Update(s.ctx(), fmt.Sprintf("d%05d", i), command("old%d", i), add(1_000_000))
		if err == nil {
			_, err = old.Create(s.ctx(), fmt.Sprintf("e%05d", i), command("c"), set(thing{Group: "g", N: int64(n + i)}))
		}
		if errors.Is(err, store.ErrOutdated) {
			refused++
			err = nil
		}
		s.no(err)
		_, err = newer.Update(s.ctx(), fmt.Sprintf("d%05d", i+10), command("new%d", i), add(-1000))
		s.no(err)
		page, err := old.Find(s.ctx(), store.Range{Index: "n", Limit: 1000})
		if err != nil && !errors.Is(err, store.ErrOutdated) {
			s.Fatalf("the older program's find: %v", err)
		}
		if err == nil && !slices.IsSortedFunc(page.Items, func(a, b store.Item[thing]) int { return int(a.Doc.N - b.Doc.N) }) {
			s.Fatal("the older program was given a page of stale keys")
		}
		if _, err := old.Get(s.ctx(), "d00000"); err != nil {
			s.Fatalf("the older program cannot read: %v", err)
		}
	}
	rightBy(s, newer)
	if refused > 0 {
		third := s.open()
		if _, err := store.Open(s.ctx(), third, renumbered(1)); !errors.Is(err, store.ErrOutdated) {
			s.Fatalf("the older program starts again: %v", err)
		}
	}
}

// uniqueAdded adds a unique index to documents that are there, while others race
// for the same keys: none may get a key that an older document has.
func uniqueAdded(s *suite) {
	spec := store.Spec[thing]{Name: "things"}
	c := collect(s, s.db, spec)
	n := count(150, 1500)
	for i := range n {
		_, err := c.Create(s.ctx(), fmt.Sprintf("d%05d", i), command("c"), set(thing{Code: fmt.Sprint("code", i)}))
		s.no(err)
	}
	s.reopen()
	spec.Indexes = thingSpec("").Indexes[1:2]
	c = collect(s, s.db, spec)
	ctx, cancel := context.WithTimeout(s.ctx(), time.Minute)
	defer cancel()
	parallel(8, func(w int) {
		for i := n - 1 - w; i >= 0; i -= 8 { // the last are filled last
			_, err := c.Create(ctx, fmt.Sprintf("late%05d", i), command("c"), set(thing{Code: fmt.Sprint("code", i)}))
			if !errors.Is(err, store.ErrDuplicate) {
				s.Errorf("a second holder of code%d: %v", i, err)
				return
			}
		}
	})
	if got := pages(s, c, store.Range{Index: "code", Limit: 500}); len(got) != n {
		s.Errorf("%d of %d documents by their code", len(got), n)
	}
}
