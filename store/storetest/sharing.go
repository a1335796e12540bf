package storetest

import (
	"fmt"

	"hezuo/store"
)

// openedTwice works with two handles of one store, as two processes would: each
// sees at once what the other has written, and together they count exactly.
func openedTwice(s *suite) {
	dbs := [2]store.DB{s.db, s.open()}
	cs := [2]*store.Collection[thing]{s.things(), collect(s, dbs[1], thingSpec("things"))}
	_, err := cs[0].Create(s.ctx(), "a", command("c"), set(thing{Group: "g"}))
	s.no(err)
	for i := range count(20, 200) {
		me, other := i%2, (i+1)%2
		it, err := cs[me].Update(s.ctx(), "a", command("u%d", i), add(1))
		s.no(err)
		seen, err := cs[other].Get(s.ctx(), "a")
		s.no(err)
		if d := diff(it.Doc, seen.Doc); d != "" {
			s.Fatal(d)
		}
		n, err := dbs[me].Append(s.ctx(), entry("log", fmt.Sprint(i)))
		s.no(err)
		got, err := dbs[other].Read(s.ctx(), "log", n-1, 10)
		s.no(err)
		if len(got) != 1 || got[0].ID != fmt.Sprint(i) {
			s.Fatalf("the other reads %+v", got)
		}
		page, err := cs[other].Find(s.ctx(), store.Range{Index: "group", Prefix: store.K("g", it.Doc.N)})
		s.no(err)
		if len(page.Items) != 1 {
			s.Fatal("the other does not find it by its new key")
		}
	}
	before, err := cs[0].Get(s.ctx(), "a")
	s.no(err)
	each := count(25, 200)
	parallel(8, func(w int) {
		for i := range each {
			if _, err := cs[w%2].Update(s.ctx(), "a", command("r%d-%d", w, i), add(1)); err != nil {
				s.Errorf("update: %v", err)
			}
			if _, err := dbs[w%2].Append(s.ctx(), entry("race", fmt.Sprint(w, i))); err != nil {
				s.Errorf("append: %v", err)
			}
		}
	})
	it, err := cs[1].Get(s.ctx(), "a")
	s.no(err)
	if it.Doc.N != before.Doc.N+int64(8*each) || len(everything(s, "race")) != 8*each {
		s.Fatalf("counted %d", it.Doc.N-before.Doc.N)
	}
}
