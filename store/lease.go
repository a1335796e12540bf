package store

import (
	"context"
	"errors"
	"time"

	"hezuo/fault"
)

// Leases let one node do what would be wasted on many. They save work; they do
// not keep it right: a document does, by refusing an epoch lower than it has seen.
type Leases struct {
	leases *Collection[leaseDoc]
}

type leaseDoc struct {
	Holder string    `json:"holder"`
	Epoch  int64     `json:"epoch"`
	Until  time.Time `json:"until"`
}

// Lease is what a holder holds.
type Lease struct {
	Name  string
	Epoch int64 // higher than any holder's before
	Until time.Time
}

// ErrHeld says that another holder has the lease.
var ErrHeld = fault.New(fault.Conflict, "another node holds this lease")

// OpenLeases gives the leases of a store.
func OpenLeases(ctx context.Context, db DB) (*Leases, error) {
	c, err := Open(ctx, db, Spec[leaseDoc]{Name: "leases", Unaudited: "a lease is who works, not what is"})
	if err != nil {
		return nil, err
	}
	return &Leases{c}, nil
}

// Acquire takes or renews a lease for ttl from now. cmd.Actor is the holder.
// Errors: [ErrHeld].
func (l *Leases) Acquire(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (Lease, error) {
	cmd := Command{ID: holder + "@" + now.UTC().Format(time.RFC3339Nano), Actor: "system:lease", From: holder, At: now}
	it, err := l.leases.Put(ctx, name, cmd, func(d *leaseDoc) ([]Entry, error) {
		if d.Holder != holder {
			if d.Holder != "" && now.Before(d.Until) {
				return nil, ErrHeld
			}
			d.Holder = holder
			d.Epoch++
		}
		d.Until = now.Add(ttl).UTC()
		return nil, nil
	})
	if err != nil {
		return Lease{}, err
	}
	if it.Doc.Holder != holder { // a repeat within one instant, of a call whose lease has passed on
		return Lease{}, ErrHeld
	}
	return Lease{Name: name, Epoch: it.Doc.Epoch, Until: it.Doc.Until}, nil
}

// Release gives a lease up, so that the next holder need not wait. The epoch
// stays.
func (l *Leases) Release(ctx context.Context, name, holder string, now time.Time) error {
	cmd := Command{ID: "release/" + holder + "@" + now.UTC().Format(time.RFC3339Nano), Actor: "system:lease", From: holder, At: now}
	_, err := l.leases.Update(ctx, name, cmd, func(d *leaseDoc) ([]Entry, error) {
		if d.Holder == holder {
			d.Holder, d.Until = "", time.Time{}
		}
		return nil, nil
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
