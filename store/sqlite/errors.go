package sqlite

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hezuo/fault"
	"hezuo/store"
)

// unknown says that a write may have happened, and why that is not known.
func unknown(cause error) error { return fmt.Errorf("%w: %w", store.ErrUnknown, cause) }

// unavailable says that nothing was done, because a part does not work now.
func unavailable(what string, cause error) error {
	return fault.New(fault.Unavailable, "%s", what).Wrap(cause)
}

// isBusy reports whether another program held a lock of SQLite's for longer than
// the busy timeout.
func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// isFatal reports whether SQLite met an error after which a transaction may be
// gone as a whole: anything but a statement that was wrong in itself.
func isFatal(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
		return false
	}
	return true
}

// readError turns what a read met into what its caller should see: the end of
// ctx, whatever it made SQLite say, and the closing of the store.
func (db *DB) readError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case db.closed.Load():
		return store.ErrClosed
	}
	return unavailable("the store cannot be read", err)
}
