package identity

import (
	"context"
	"errors"
	"time"

	"hezuo/store"
)

// sweepBatch is how many documents of each kind one sweep deletes at most.
const sweepBatch = 200

// Sweep deletes codes and tickets that are over, and sessions that have been for
// half a year, some of each. It tells how many; where it was any, there may be
// more. Nothing depends on when it runs, or how often, or on how many nodes.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int, error) {
	codes, err := sweep(ctx, s.codes, "expires", now, now, func(d *codeDoc) (time.Time, []store.Entry) {
		return d.Expires, nil
	})
	if err != nil {
		return codes, err
	}
	tickets, err := sweep(ctx, s.tickets, "expires", now, now, func(d *ticketDoc) (time.Time, []store.Entry) {
		return d.Expires, nil
	})
	if err != nil {
		return codes + tickets, err
	}
	sessions, err := sweep(ctx, s.sessions, "end", now.Add(-sessionKeep), now, func(d *session) (time.Time, []store.Entry) {
		return d.end(), []store.Entry{store.Audit("session.forget", "it was over for half a year", nil)}
	})
	return codes + tickets + sessions, err
}

// errNotYet keeps a document that was renewed since it was found.
var errNotYet = errors.New("not over yet")

// sweep deletes documents whose time in an index is before an instant. last gives
// a document's time, and the entries of its deletion.
func sweep[T any](ctx context.Context, c *store.Collection[T], index string, before, now time.Time, last func(*T) (time.Time, []store.Entry)) (int, error) {
	page, err := c.Find(ctx, store.Range{Index: index, To: store.K(before), Limit: sweepBatch})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, it := range page.Items {
		cmd := store.Command{ID: "sweep@" + now.UTC().Format(time.RFC3339Nano), Actor: "system:identity", At: now}
		err := c.Delete(ctx, it.ID, cmd, func(d *T) ([]store.Entry, error) {
			end, entries := last(d)
			if !end.Before(before) {
				return nil, errNotYet
			}
			return entries, nil
		})
		if errors.Is(err, errNotYet) {
			continue
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
