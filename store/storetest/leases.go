package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hezuo/store"
)

func (s *suite) leases() *store.Leases {
	s.Helper()
	l, err := store.OpenLeases(s.ctx(), s.db)
	s.no(err)
	return l
}

func leaseEpochs(s *suite) {
	l := s.leases()
	at := func(sec int) time.Time { return start.Add(time.Duration(sec) * time.Second) }
	acquire := func(holder string, sec int, want int64) {
		s.Helper()
		got, err := l.Acquire(s.ctx(), "engine", holder, at(sec), 10*time.Second)
		if want == 0 {
			if !errors.Is(err, store.ErrHeld) {
				s.Fatalf("%s at %d: %+v, %v", holder, sec, got, err)
			}
			return
		}
		s.no(err)
		if got.Epoch != want || got.Name != "engine" || !got.Until.Equal(at(sec+10)) {
			s.Fatalf("%s at %d: %+v", holder, sec, got)
		}
	}
	acquire("a", 0, 1)
	acquire("b", 9, 0)
	acquire("a", 9, 1) // renewed
	acquire("b", 18, 0)
	acquire("b", 19, 2)
	acquire("a", 20, 0)
	s.no(l.Release(s.ctx(), "engine", "a", at(21))) // it does not hold it
	acquire("a", 22, 0)
	s.no(l.Release(s.ctx(), "engine", "b", at(23)))
	acquire("a", 24, 3)
	s.reopen()
	l = s.leases()
	acquire("b", 25, 0)
	acquire("b", 60, 4)
	acquire("a", 71, 5)
	s.no(l.Release(s.ctx(), "other", "a", at(71)))
}

// leaseRacing has nodes with one clock race for a lease: every epoch has one
// holder, and begins when the one before has ended.
func leaseRacing(s *suite) {
	l := s.leases()
	type grant struct {
		holder   string
		from, to time.Time
	}
	var mu sync.Mutex
	grants := map[int64][]grant{}
	var clock atomic.Int64
	parallel(8, func(w int) {
		holder := fmt.Sprint("node-", w)
		for i := range count(40, 200) {
			now := start.Add(time.Duration(clock.Add(1)) * time.Millisecond)
			lease, err := l.Acquire(s.ctx(), "engine", holder, now, 5*time.Millisecond)
			if errors.Is(err, store.ErrHeld) {
				continue
			}
			if err != nil {
				s.Errorf("acquire: %v", err)
				return
			}
			mu.Lock()
			grants[lease.Epoch] = append(grants[lease.Epoch], grant{holder, now, lease.Until})
			mu.Unlock()
			if i%10 == 9 { // gives up what it may have by then
				if err := l.Release(s.ctx(), "elsewhere", holder, now); err != nil {
					s.Errorf("release: %v", err)
				}
			}
		}
	})
	var until time.Time
	for epoch := int64(1); epoch <= int64(len(grants)); epoch++ {
		list := grants[epoch]
		if len(list) == 0 {
			s.Fatalf("epoch %d of %d is missing", epoch, len(grants))
		}
		slices.SortFunc(list, func(a, b grant) int { return a.from.Compare(b.from) })
		if list[0].from.Before(until) {
			s.Errorf("epoch %d begins before the one before has ended", epoch)
		}
		for _, g := range list {
			if g.holder != list[0].holder {
				s.Errorf("epoch %d is held by %s and %s", epoch, g.holder, list[0].holder)
			}
			until = g.to
		}
	}
	if len(grants) < 2 {
		s.Errorf("%d epochs", len(grants))
	}
}

// leaseSameInstant lets a lease pass from hand to hand within one instant of a
// clock: the first holder must not take its own earlier call for an answer.
func leaseSameInstant(s *suite) {
	l := s.leases()
	_, err := l.Acquire(s.ctx(), "engine", "a", start, time.Second)
	s.no(err)
	s.no(l.Release(s.ctx(), "engine", "a", start))
	got, err := l.Acquire(s.ctx(), "engine", "b", start, time.Second)
	s.no(err)
	if got.Epoch != 2 {
		s.Fatalf("b has %+v", got)
	}
	if got, err := l.Acquire(s.ctx(), "engine", "a", start, time.Second); !errors.Is(err, store.ErrHeld) {
		s.Fatalf("a has it besides b: %+v, %v", got, err)
	}
}

func leaseFences(s *suite) {
	c := s.things()
	with := func(id string, epoch int64) store.Command {
		cmd := command("%s", id)
		cmd.Lease, cmd.Epoch = "engine", epoch
		return cmd
	}
	fenced := func(err error) {
		s.Helper()
		if !errors.Is(err, store.ErrFenced) {
			s.Fatalf("a lower epoch: %v", err)
		}
	}
	_, err := c.Create(s.ctx(), "a", with("1", 3), set(thing{N: 1}))
	s.no(err)
	_, err = c.Update(s.ctx(), "a", with("2", 2), add(1))
	fenced(err)
	_, err = c.Update(s.ctx(), "a", with("3", 3), add(1))
	s.no(err)
	_, err = c.Update(s.ctx(), "a", with("4", 5), add(1))
	s.no(err)
	s.reopen()
	c = s.things()
	_, err = c.Update(s.ctx(), "a", with("5", 4), add(1))
	fenced(err)
	_, err = c.Update(s.ctx(), "a", command("6"), add(1)) // not under a lease
	s.no(err)
	other := with("7", 1)
	other.Lease = "other"
	_, err = c.Update(s.ctx(), "a", other, add(1))
	s.no(err)
	gone := func(*thing) ([]store.Entry, error) { return []store.Entry{store.Audit("thing.delete", "", nil)}, nil }
	fenced(c.Delete(s.ctx(), "a", with("8", 4), gone))
	s.no(c.Delete(s.ctx(), "a", with("9", 7), gone))
	_, err = c.Put(s.ctx(), "a", with("10", 6), add(1))
	fenced(err)
	it, err := c.Put(s.ctx(), "a", with("11", 7), add(1))
	s.no(err)
	if it.Doc.N != 1 {
		s.Fatalf("put on a tombstone: %+v", it)
	}
}
