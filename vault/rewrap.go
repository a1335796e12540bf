package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"hezuo/store"
)

// rewrapPage is how many keys are read at once, rewrapWorkers how many are
// written at once: the store commits many callers in one group.
const (
	rewrapPage    = 500
	rewrapWorkers = 16
)

// Rewrap wraps every key that an older master key wraps with the current one, and
// tells how many it did. It can be stopped and called again, and run on several
// nodes at once: what is done is not done again. The data keys stay the same, so
// nothing has to be sealed anew. Keys that nodes with the former master key make
// meanwhile are found by calling it again.
//
// Errors: [ErrNoMasterKey] when an older master key is not at hand; the rest is
// done nevertheless. Those of the store and of the KMS.
func (v *Vault) Rewrap(ctx context.Context, cmd store.Command) (int, error) {
	var done atomic.Int64
	var failed []error
	for _, c := range []*store.Collection[keyDoc]{v.house, v.keys} {
		r := store.Range{Limit: rewrapPage}
		for {
			page, err := c.Find(ctx, r)
			if err != nil {
				return int(done.Load()), errors.Join(append(failed, fmt.Errorf("vault: rewrap: %w", err))...)
			}
			if err := v.rewrapAll(ctx, c, cmd, page.Items, &done); err != nil {
				failed = append(failed, err)
			}
			if r.Cursor = page.Next; r.Cursor == "" {
				break
			}
		}
	}
	return int(done.Load()), errors.Join(failed...)
}

// rewrapAll does one page and gives the first error.
func (v *Vault) rewrapAll(ctx context.Context, c *store.Collection[keyDoc], cmd store.Command, items []store.Item[keyDoc], done *atomic.Int64) error {
	var (
		next  atomic.Int64
		group sync.WaitGroup
		once  sync.Once
		first error
	)
	for range min(rewrapWorkers, len(items)) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(items) {
					return
				}
				did, err := v.rewrap(ctx, c, cmd, items[i])
				if err != nil {
					once.Do(func() { first = fmt.Errorf("vault: rewrap: %w", err) })
				}
				if did {
					done.Add(1)
				}
			}
		})
	}
	group.Wait()
	return first
}

// rewrap does one document. The write is conditional on the wrapped key being the
// one that was opened: whoever destroyed or rewrapped it meanwhile wins.
func (v *Vault) rewrap(ctx context.Context, c *store.Collection[keyDoc], cmd store.Command, it store.Item[keyDoc]) (bool, error) {
	was := it.Doc
	if !was.Destroyed.IsZero() || was.Master == v.kms.KeyID() {
		return false, nil
	}
	dataKey, err := v.unwrap(ctx, c.Name(), it.ID, was)
	if err != nil {
		return false, err
	}
	defer clear(dataKey)
	wrapped, err := v.kms.Wrap(ctx, dataKey, keyPlace(c.Name(), it.ID))
	if err != nil {
		return false, err
	}
	if cmd.ID != "" { // the store refuses an empty one
		sum := sha256.Sum256(was.Wrapped) // a command used for an earlier rotation is not a repeat
		cmd = cmd.Sub("vault.rewrap/" + hex.EncodeToString(sum[:16]))
	}
	now, err := c.Update(ctx, it.ID, cmd, func(d *keyDoc) ([]store.Entry, error) {
		if !bytes.Equal(d.Wrapped, was.Wrapped) {
			return nil, nil
		}
		d.Master, d.Wrapped = v.kms.KeyID(), wrapped
		return []store.Entry{store.Audit("vault.rewrap", "", map[string]string{"from": was.Master, "to": d.Master})}, nil
	})
	return err == nil && bytes.Equal(now.Doc.Wrapped, wrapped), err
}
