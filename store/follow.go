package store

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Follower reads one feed from a cursor of its own and hands each record to a
// stage. The stage does its part idempotently: after a crash it may be given a
// record again, never skip one.
type Follower struct {
	Name string // who follows: with Log, the cursor's id
	Log  string
	// Handle does the stage's part. An error is logged and the record is tried
	// again after Retry.
	Handle func(context.Context, Record) error
	// Wake gets a value when the log may have grown; Poll is how long to go
	// without one before looking anyway.
	Wake   <-chan struct{}
	Poll   time.Duration
	Retry  time.Duration
	Now    func() time.Time
	Logger *slog.Logger
}

// Cursors are the followers' places.
type Cursors struct {
	cursors *Collection[cursorDoc]
}

type cursorDoc struct {
	N int64 `json:"n"` // the last record handled
}

// OpenCursors gives the followers' places of a store.
func OpenCursors(ctx context.Context, db DB) (*Cursors, error) {
	c, err := Open(ctx, db, Spec[cursorDoc]{Name: "cursors", Unaudited: "a cursor is progress, not state"})
	if err != nil {
		return nil, err
	}
	return &Cursors{c}, nil
}

// At gives the number of the last record that a follower has handled.
func (c *Cursors) At(ctx context.Context, name, log string) (int64, error) {
	it, err := c.cursors.Get(ctx, name+"/"+log)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return it.Doc.N, err
}

// move records a follower's place; it never goes back.
func (c *Cursors) move(ctx context.Context, name, log string, n int64, now time.Time) error {
	id := name + "/" + log
	cmd := Command{ID: id + "@" + integer(n), Actor: "system:" + name, At: now}
	_, err := c.cursors.Put(ctx, id, cmd, func(d *cursorDoc) ([]Entry, error) {
		d.N = max(d.N, n)
		return nil, nil
	})
	return err
}

// followPage is how many records a follower reads, and settles with one write of
// its cursor.
const followPage = 64

// Run follows until ctx ends, whose error it returns.
func (c *Cursors) Run(ctx context.Context, f Follower) error {
	for ctx.Err() == nil {
		more, err := c.Step(ctx, f)
		wait := f.Poll
		if err != nil && ctx.Err() == nil {
			f.Logger.ErrorContext(ctx, "a follower could not handle a record", "follower", f.Name, "log", f.Log, "error", err)
			wait = f.Retry
		}
		if more && err == nil {
			continue
		}
		t := time.NewTimer(wait)
		wake := f.Wake
		if err != nil {
			wake = nil
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
		t.Stop()
	}
	return ctx.Err()
}

// Step handles one page of records and moves the cursor behind those that were
// handled. It tells whether there may be more.
func (c *Cursors) Step(ctx context.Context, f Follower) (more bool, err error) {
	at, err := c.At(ctx, f.Name, f.Log)
	if err != nil {
		return false, err
	}
	records, err := c.cursors.db.Read(ctx, f.Log, at, followPage)
	if err != nil {
		return false, err
	}
	done := at
	for _, r := range records {
		if err = f.Handle(ctx, r); err != nil {
			break
		}
		done = r.N
	}
	if done > at {
		if err := c.move(ctx, f.Name, f.Log, done, f.Now()); err != nil {
			return false, err
		}
	}
	return len(records) == followPage, err
}
