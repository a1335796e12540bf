package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"

	"hezuo/fault"
	"hezuo/store"
)

// pages reads a range to its end and gives the ids.
func pages(s *suite, c *store.Collection[thing], r store.Range) []string {
	s.Helper()
	var ids []string
	for {
		page, err := c.Find(s.ctx(), r)
		s.no(err)
		if len(page.Items) > r.Limit {
			s.Fatalf("a page of %d with a limit of %d", len(page.Items), r.Limit)
		}
		for _, it := range page.Items {
			ids = append(ids, it.ID)
		}
		if page.Next == "" {
			return ids
		}
		r.Cursor = page.Next
	}
}

func paging(s *suite) {
	c := s.things()
	// Several documents have one key: they are told apart by their ids.
	const n = 60
	for i := range n {
		v := thing{Group: []string{"a", "ab", "b"}[i%3], N: int64(i/6) - 4}
		_, err := c.Create(s.ctx(), fmt.Sprintf("t%02d", n-i), command("c"), set(v))
		s.no(err)
	}
	all, err := c.Find(s.ctx(), store.Range{Limit: 1000})
	s.no(err)
	for _, r := range []store.Range{
		{},
		{Prefix: store.K("a")},
		{Prefix: store.K("ab")},
		{Prefix: store.K("b", 3)},
		{Prefix: store.K("c")},
		{From: store.K("a", -1), To: store.K("b")},
		{From: store.K("ab")},
		{To: store.K("ab", 2)},
		{Prefix: store.K("a"), From: store.K("a", 0)},
		{Prefix: store.K("a"), To: store.K("a", 2)},
		{Prefix: store.K("ab"), From: store.K("a"), To: store.K("c")},
		{From: store.K("b"), To: store.K("a")},
	} {
		r.Index = "group"
		want := expected(all.Items, r)
		for _, limit := range []int{1, 4, 59, 60, 1000} {
			r.Limit = limit
			for _, r.Descending = range []bool{false, true} {
				got := pages(s, c, r)
				if r.Descending {
					slices.Reverse(got)
				}
				if !slices.Equal(got, want) {
					s.Fatalf("range %+v:\n got %v\nwant %v", r, got, want)
				}
			}
		}
	}
	if _, err := c.Find(s.ctx(), store.Range{Index: "group", Cursor: "!"}); !fault.Is(err, fault.Invalid) {
		s.Fatalf("a malformed cursor: %v", err)
	}
}

// expected gives the ids that a range of the group index should give.
func expected(all []store.Item[thing], r store.Range) []string {
	key := func(it store.Item[thing]) store.Key { return store.K(it.Doc.Group, it.Doc.N) }
	from, to := store.Query{Prefix: r.Prefix, From: r.From, To: r.To}.Bounds()
	var in []store.Item[thing]
	for _, it := range all {
		if k := key(it); k >= from && (to == "" || k < to) {
			in = append(in, it)
		}
	}
	slices.SortFunc(in, func(a, b store.Item[thing]) int {
		if before(key(a), a.ID, key(b), b.ID) {
			return -1
		}
		return 1
	})
	var ids []string
	for _, it := range in {
		ids = append(ids, it.ID)
	}
	return ids
}

func pagingByID(s *suite) {
	c := s.things()
	var want []string
	for i := range 30 {
		id := fmt.Sprintf("t%02d", i)
		_, err := c.Create(s.ctx(), id, command("c"), set(thing{}))
		s.no(err)
		if i%7 == 0 {
			s.no(c.Delete(s.ctx(), id, command("d"), func(*thing) ([]store.Entry, error) {
				return []store.Entry{store.Audit("thing.delete", "", nil)}, nil
			}))
			continue
		}
		want = append(want, id)
	}
	for _, limit := range []int{1, 7, 30} {
		if got := pages(s, c, store.Range{Limit: limit}); !slices.Equal(got, want) {
			s.Fatalf("by id, %d a page: %v", limit, got)
		}
		got := pages(s, c, store.Range{Limit: limit, Descending: true})
		slices.Reverse(got)
		if !slices.Equal(got, want) {
			s.Fatalf("by id backwards, %d a page: %v", limit, got)
		}
	}
	if got := pages(s, c, store.Range{Limit: 3, From: "t05", To: "t09"}); !slices.Equal(got, []string{"t05", "t06", "t08"}) {
		s.Fatalf("from t05 to t09: %v", got)
	}
	found, err := s.db.Find(s.ctx(), store.Query{Collection: "things", Limit: 1000})
	s.no(err)
	if len(found) != 30 || !found[0].Doc.Deleted || found[0].Key != "t00" {
		s.Fatalf("%d documents by id with the tombstones", len(found))
	}
	var each int
	s.no(c.Each(s.ctx(), store.Range{Limit: 4}, func(store.Item[thing]) error { each++; return nil }))
	if each != len(want) {
		s.Fatalf("Each gave %d of %d", each, len(want))
	}
}

// pagingUnderWrites pages while writers change documents, move others within the
// index, and make and delete more: whoever keeps its key is seen exactly once.
func pagingUnderWrites(s *suite) {
	c := s.things()
	const n = 80
	for i := range n {
		_, err := c.Create(s.ctx(), fmt.Sprintf("s%02d", i), command("c"), set(thing{Group: "g", N: int64(i)}))
		s.no(err)
	}
	for i := range 20 {
		_, err := c.Create(s.ctx(), fmt.Sprintf("m%02d", i), command("c"), set(thing{Group: "g", N: int64(i * 4)}))
		s.no(err)
	}
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		parallel(3, func(w int) { s.churn(c, w, n, &stop) })
	}()
	defer func() {
		stop.Store(true)
		<-done
	}()
	for round := range count(10, 60) {
		for _, index := range []string{"group", ""} {
			r := store.Range{Index: index, Limit: 3 + round%7, Descending: round%2 == 1}
			seen := map[string]int{}
			for _, id := range pages(s, c, r) {
				seen[id]++
			}
			for i := range n {
				if id := fmt.Sprintf("s%02d", i); seen[id] != 1 {
					s.Errorf("%s was seen %d times by %q", id, seen[id], index)
				}
			}
		}
	}
}

// churn is one of those writers.
func (s *suite) churn(c *store.Collection[thing], w, n int, stop *atomic.Bool) {
	for i := 0; !stop.Load(); i++ {
		cmd := command("%d-%d", w, i)
		var err error
		switch w {
		case 0: // changes that keep the key
			_, err = c.Update(s.ctx(), fmt.Sprintf("s%02d", i%n), cmd, func(d *thing) ([]store.Entry, error) {
				d.Name = cmd.ID
				return []store.Entry{store.Audit("thing.rename", "", nil)}, nil
			})
		case 1: // moves
			_, err = c.Update(s.ctx(), fmt.Sprintf("m%02d", i%20), cmd, func(d *thing) ([]store.Entry, error) {
				d.N = (d.N + 17) % int64(n)
				return []store.Entry{store.Audit("thing.move", "", nil)}, nil
			})
		default: // comings and goings
			id := fmt.Sprintf("%c%d", "az"[i%2], i%10)
			if _, err = c.Put(s.ctx(), id, cmd, set(thing{Group: "g", N: int64(i % n)})); err == nil {
				err = c.Delete(s.ctx(), id, command("d%d", i), func(*thing) ([]store.Entry, error) {
					return []store.Entry{store.Audit("thing.delete", "", nil)}, nil
				})
			}
		}
		if err != nil {
			s.Errorf("write: %v", err)
			return
		}
	}
}
