package vault

import (
	"context"
	"errors"
	"fmt"

	"hezuo/store"
)

// Destroy deletes a person's data everywhere at once (个人信息保护法 47): the
// owner's wrapped key is removed, and what was sealed under it is noise. The
// document stays, as the record of when, by whom and why. An owner without a key
// is marked too, so that none can ever be made; somebody who comes back is a new
// owner. To destroy what is destroyed is a no-op.
//
// It does not reach the keyed hashes in other documents, copies of the store made
// before, nor, for [MaxCacheFor], the memory of other nodes: see the package's
// text.
//
// Errors: an [fault.Invalid] fault on "why"; [store.ErrUnknown] (repeat); those
// of the store.
func (v *Vault) Destroy(ctx context.Context, cmd store.Command, owner, why string) error {
	why, err := reason("why", why)
	if err != nil {
		return err
	}
	if err := checkPlace(owner, "*"); err != nil {
		return err
	}
	if cmd.ID != "" { // the store refuses an empty one
		cmd = cmd.Sub("vault.destroy")
	}
	// Whatever the outcome: a key too few in memory costs one read.
	defer v.cache.forget(owner)
	_, err = v.keys.Put(ctx, owner, cmd, func(d *keyDoc) ([]store.Entry, error) {
		if !d.Destroyed.IsZero() {
			return nil, nil
		}
		facts := map[string]string{"master": d.Master}
		d.Master, d.Wrapped, d.Destroyed = "", nil, cmd.At.UTC()
		return []store.Entry{store.Audit("vault.destroy", why, facts)}, nil
	})
	if err != nil {
		return fmt.Errorf("vault: destroy: %w", err)
	}
	return nil
}

// Destroyed reports whether an owner's key was destroyed, by the store and not by
// memory.
func (v *Vault) Destroyed(ctx context.Context, owner string) (bool, error) {
	it, err := v.keys.Get(ctx, owner)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return !it.Doc.Destroyed.IsZero(), err
}
