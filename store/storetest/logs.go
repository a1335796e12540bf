package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"hezuo/store"
)

func entry(log, id string) store.Entry {
	return store.Entry{Log: log, ID: id, Kind: "k", At: start}
}

// ids are the ids of records.
func ids(records []store.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.ID
	}
	return out
}

func logAppends(s *suite) {
	const n = 30
	for round := range 2 { // the second time, everything is there
		for i := range n {
			got, err := s.db.Append(s.ctx(), entry("room/1", fmt.Sprint("m", i)))
			s.no(err)
			if got != int64(i+1) {
				s.Fatalf("round %d: m%d has number %d", round, i, got)
			}
		}
	}
	got, err := s.db.Append(s.ctx(), entry("room/2", "m3"))
	s.no(err)
	if got != 1 {
		s.Fatalf("the first of another log has number %d", got)
	}
	all := everything(s, "room/1")
	if len(all) != n {
		s.Fatalf("%d records", len(all))
	}
	for after := range n + 2 {
		for _, limit := range []int{1, 7, n, 1000} {
			page, err := s.db.Read(s.ctx(), "room/1", int64(after), limit)
			s.no(err)
			want := all[min(after, n):min(after+limit, n)]
			if !slices.Equal(ids(page), ids(want)) {
				s.Fatalf("read %d behind %d: %v", limit, after, ids(page))
			}
		}
	}
	if page, err := s.db.Read(s.ctx(), "room/none", 0, 10); err != nil || len(page) != 0 {
		s.Fatalf("a log that nobody wrote to: %v, %v", page, err)
	}
	s.reopen()
	if got := everything(s, "room/1"); diff(all, got) != "" {
		s.Fatal("after reopening: " + diff(all, got))
	}
}

// logRacing is 32 × 100 appends to one log, and some to others: the numbers have
// no gaps, and everybody was told the number that is in the log.
func logRacing(s *suite) {
	const workers, each = 32, 100
	var mu sync.Mutex
	told := map[string]int64{}
	parallel(workers, func(w int) {
		for i := range each {
			id := fmt.Sprintf("%d-%d", w, i)
			if i%4 == 0 {
				id = fmt.Sprint("same-", i) // everybody's
			}
			n, err := s.db.Append(s.ctx(), entry("room", id))
			if err != nil {
				s.Errorf("append: %v", err)
				return
			}
			mu.Lock()
			if was, ok := told[id]; ok && was != n {
				s.Errorf("%s was told %d and %d", id, was, n)
			}
			told[id] = n
			mu.Unlock()
			if i%10 == 0 {
				_, _ = s.db.Append(s.ctx(), entry(fmt.Sprint("room/", w), id))
			}
		}
	})
	all := everything(s, "room")
	if want := workers*each*3/4 + each/4; len(all) != want || len(told) != want {
		s.Fatalf("%d records, %d told, of %d", len(all), len(told), want)
	}
	for _, r := range all {
		if told[r.ID] != r.N {
			s.Fatalf("%s has number %d and was told %d", r.ID, r.N, told[r.ID])
		}
	}
}

func logHeads(s *suite) {
	want := map[string]store.LogHead{}
	for i, log := range []string{"a", "a/1", "a/2", "a/2x", "a0", "b/1", "é/1", "中/1"} {
		for j := range i + 1 {
			e := entry(log, fmt.Sprint(j))
			e.Seal = j == 3 && i == 3
			_, err := s.db.Append(s.ctx(), e)
			s.no(err)
		}
		want[log] = store.LogHead{Log: log, Last: int64(i + 1), Count: int64(i + 1), Sealed: i == 3}
	}
	for _, c := range []struct {
		prefix, after string
		limit         int
		logs          []string
	}{
		{"", "", 100, []string{"a", "a/1", "a/2", "a/2x", "a0", "b/1", "é/1", "中/1"}},
		{"", "", 2, []string{"a", "a/1"}},
		{"", "a/1", 2, []string{"a/2", "a/2x"}},
		{"a/", "", 100, []string{"a/1", "a/2", "a/2x"}},
		{"a/", "a/1", 100, []string{"a/2", "a/2x"}},
		{"a/", "a", 1, []string{"a/1"}},
		{"a/", "b", 100, nil},
		{"a/2", "", 100, []string{"a/2", "a/2x"}},
		{"中", "", 100, []string{"中/1"}},
		{"c", "", 100, nil},
	} {
		got, err := s.db.Logs(s.ctx(), c.prefix, c.after, c.limit)
		s.no(err)
		var heads []store.LogHead
		for _, log := range c.logs {
			heads = append(heads, want[log])
		}
		if d := diff(heads, got); d != "" {
			s.Errorf("logs %q after %q: %s", c.prefix, c.after, d)
		}
	}
}

func logSealed(s *suite) {
	for i := range 3 {
		_, err := s.db.Append(s.ctx(), entry("room", fmt.Sprint(i)))
		s.no(err)
	}
	seal := entry("room", "seal")
	seal.Seal = true
	for range 2 {
		n, err := s.db.Append(s.ctx(), seal)
		s.no(err)
		if n != 4 {
			s.Fatalf("the seal has number %d", n)
		}
	}
	if _, err := s.db.Append(s.ctx(), entry("room", "late")); !errors.Is(err, store.ErrSealed) {
		s.Fatalf("append behind the seal: %v", err)
	}
	n, err := s.db.Append(s.ctx(), entry("room", "1"))
	s.no(err)
	if n != 2 {
		s.Fatalf("what was there has number %d behind the seal", n)
	}
	s.reopen()
	if _, err := s.db.Append(s.ctx(), entry("room", "later")); !errors.Is(err, store.ErrSealed) {
		s.Fatalf("append behind the seal, reopened: %v", err)
	}
	if got := ids(everything(s, "room")); !slices.Equal(got, []string{"0", "1", "2", "seal"}) {
		s.Fatalf("the log is %v", got)
	}
	_, err = s.db.Append(s.ctx(), entry("room2", "late"))
	s.no(err)
}

// logRacingSeal has many append while one seals: nothing is behind the seal, and
// what was acknowledged is before it.
func logRacingSeal(s *suite) {
	for round := range count(5, 40) {
		log := fmt.Sprint("room/", round)
		var mu sync.Mutex
		acknowledged := map[string]int64{}
		parallel(17, func(w int) {
			for i := range 20 {
				e := entry(log, fmt.Sprintf("%d-%d", w, i))
				e.Seal = w == 16 && i == 10
				n, err := s.db.Append(s.ctx(), e)
				switch {
				case err == nil:
					mu.Lock()
					acknowledged[e.ID] = n
					mu.Unlock()
				case !errors.Is(err, store.ErrSealed):
					s.Errorf("append: %v", err)
				}
			}
		})
		all := everything(s, log)
		if len(all) != len(acknowledged) {
			s.Fatalf("%d records, %d acknowledged", len(all), len(acknowledged))
		}
		for _, r := range all {
			if acknowledged[r.ID] != r.N {
				s.Fatalf("record %d is %s, acknowledged as %d", r.N, r.ID, acknowledged[r.ID])
			}
			if r.Seal != (r.N == int64(len(all))) {
				s.Fatalf("the seal is not the last: %d of %d", r.N, len(all))
			}
		}
	}
}

// logSealedInWrite has a change say something in a log that is sealed: nothing
// of it is written.
func logSealedInWrite(s *suite) {
	c := s.things()
	seal := entry("feed/a", "seal")
	seal.Seal = true
	_, err := c.Create(s.ctx(), "a", command("c"), set(thing{N: 1, Code: "x"}, entry("feed/a", "1"), seal))
	s.no(err)
	before, err := s.db.Get(s.ctx(), "things", "a")
	s.no(err)
	_, err = c.Update(s.ctx(), "a", command("u"), set(thing{N: 2, Code: "y"}, entry("feed/b", "1"), entry("feed/a", "2")))
	if !errors.Is(err, store.ErrSealed) {
		s.Fatalf("a change with an entry in a sealed log: %v", err)
	}
	unchanged(s, before)
	if n := len(everything(s, "feed/b")) + len(everything(s, "feed/a")); n != 2 {
		s.Fatalf("%d entries", n)
	}
	if byCode(s, c, "x") != "a" || byCode(s, c, "y") != "" {
		s.Fatal("the keys are those of the change that was refused")
	}
	_, err = c.Update(s.ctx(), "a", command("u"), set(thing{N: 2}, entry("feed/a", "1")))
	s.no(err)
}
