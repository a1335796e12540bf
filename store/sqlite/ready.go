package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hezuo/store"
)

// readyWait is how long Ready waits for the writer before it says what that
// waits for.
const readyWait = time.Second

// Ready returns nil when every index is filled and the writer has just begun and
// ended a transaction.
func (db *DB) Ready(ctx context.Context) error {
	if db.closed.Load() {
		return store.ErrClosed
	}
	if err := db.indexesReady(); err != nil {
		return err
	}
	probe, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	err := db.do(probe, &op{do: func(*tx) error { return nil }})
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if why := db.writer.waits(); why != nil {
		return why
	}
	if ctx.Err() != nil {
		return err
	}
	return unavailable("the writer is busy", err)
}

func (db *DB) indexesReady() error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	for _, c := range db.collections {
		if c.outdated.Load() {
			return fmt.Errorf("collection %s: %w", c.name, store.ErrOutdated)
		}
		for _, ix := range c.indexes {
			if err := ix.waits(c.name); err != nil {
				return err
			}
		}
	}
	return nil
}
