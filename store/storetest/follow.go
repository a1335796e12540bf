package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hezuo/store"
)

func (s *suite) cursors() *store.Cursors {
	s.Helper()
	c, err := store.OpenCursors(s.ctx(), s.db)
	s.no(err)
	return c
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func clock() time.Time { return start }

// stage is a stage that fails now and then, and sees whether it is given every
// record in order.
type stage struct {
	calls   int
	highest int64
	bad     error
}

var errStage = errors.New("the stage stumbles")

func (g *stage) handle(_ context.Context, r store.Record) error {
	g.calls++
	if r.N > g.highest+1 {
		g.bad = fmt.Errorf("record %d came behind record %d", r.N, g.highest)
	}
	if r.ID != fmt.Sprint("m", r.N) {
		g.bad = fmt.Errorf("record %d is %s", r.N, r.ID)
	}
	if g.calls%7 == 0 {
		return errStage
	}
	g.highest = max(g.highest, r.N)
	return nil
}

func (s *suite) feed(log string, from, to int) {
	s.Helper()
	for i := from; i <= to; i++ {
		_, err := s.db.Append(s.ctx(), entry(log, fmt.Sprint("m", i)))
		s.no(err)
	}
}

// followerSteps follows step by step, with a stage that fails, a store that is
// closed and opened, and contexts that end in the middle of a page.
func followerSteps(s *suite) {
	const n = 200
	s.feed("feed", 1, n)
	cursors := s.cursors()
	g := &stage{}
	f := store.Follower{Name: "matching", Log: "feed", Handle: g.handle, Now: clock, Logger: quiet()}
	for step := 0; g.highest < n; step++ {
		if step > 10*n {
			s.Fatalf("stuck at %d", g.highest)
		}
		ctx, cancel := context.WithCancel(s.ctx())
		if step%3 == 2 { // ends in the middle of the page: the cursor does not move
			at, left := g.highest, 5
			f.Handle = func(c context.Context, r store.Record) error {
				if left--; left == 0 {
					cancel()
				}
				_ = at
				return g.handle(c, r)
			}
		} else {
			f.Handle = g.handle
		}
		_, err := cursors.Step(ctx, f)
		cancel()
		if err != nil && !errors.Is(err, errStage) && !errors.Is(err, context.Canceled) {
			s.Fatal(err)
		}
		if step%5 == 4 {
			s.reopen()
			cursors = s.cursors()
		}
		at, err := cursors.At(s.ctx(), "matching", "feed")
		s.no(err)
		if at > g.highest {
			s.Fatalf("the cursor is at %d, and %d were handled", at, g.highest)
		}
	}
	s.no(g.bad)
	f.Handle = g.handle
	for range 3 { // the last cancelled page is handled again
		if _, err := cursors.Step(s.ctx(), f); err != nil && !errors.Is(err, errStage) {
			s.Fatal(err)
		}
	}
	s.no(g.bad)
	if at, err := cursors.At(s.ctx(), "matching", "feed"); err != nil || at != n {
		s.Fatalf("the cursor is at %d: %v", at, err)
	}
	if at, err := cursors.At(s.ctx(), "ledger", "feed"); err != nil || at != 0 {
		s.Fatalf("another follower's cursor is at %d: %v", at, err)
	}
}

// followerRuns has two followers of one name run, as on two nodes, while the
// feed grows: each sees every record in order, the cursor ends at the end.
func followerRuns(s *suite) {
	const n = 150
	cursors := s.cursors()
	stages := [2]stage{}
	done := make(chan int, 2)
	wake := [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}
	stopped := make(chan error, 2)
	ctx, cancel := context.WithCancel(s.ctx())
	defer cancel()
	for i := range stages {
		f := store.Follower{
			Name: fmt.Sprint("stage-", i), Log: "feed", Wake: wake[i], Poll: time.Hour, Retry: time.Millisecond,
			Now: clock, Logger: quiet(),
			Handle: func(ctx context.Context, r store.Record) error {
				err := stages[i].handle(ctx, r)
				if err == nil && r.N == n {
					done <- i
				}
				return err
			},
		}
		go func() { stopped <- cursors.Run(ctx, f) }()
	}
	for i := 1; i <= n; i++ {
		s.feed("feed", i, i)
		for _, w := range wake {
			select {
			case w <- struct{}{}:
			default:
			}
		}
	}
	<-done
	<-done
	cancel()
	for range 2 {
		if err := <-stopped; !errors.Is(err, context.Canceled) {
			s.Errorf("Run ended with %v", err)
		}
	}
	for i := range stages {
		s.no(stages[i].bad)
	}
}
