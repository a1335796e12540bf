package vault

import (
	"context"
	"errors"
	"fmt"

	"hezuo/store"
)

const (
	keyInvariant     = "every sealed value can be opened by the house"
	destroyInvariant = "what was deleted cannot be read again"
)

// Check is the vault's part of hezuo check: every key opens with the KMS at hand,
// a destroyed one has left nothing of itself, and the key of the hashes is there.
// It counts the keys, those destroyed, and those that an older master key still
// wraps. The trails are checked by [store.CheckTrails] over [Vault.Collections].
// Errors, where the check could not be made: those of the store and of the KMS.
func (v *Vault) Check(ctx context.Context, report *store.Report) error {
	if _, err := v.house.Get(ctx, hashKeyID); errors.Is(err, store.ErrNotFound) {
		report.Find(keyInvariant, v.house.Name()+"/"+hashKeyID, "the key of the hashes is missing")
	}
	for _, c := range []*store.Collection[keyDoc]{v.house, v.keys} {
		err := c.Each(ctx, store.Range{Limit: 1000}, func(it store.Item[keyDoc]) error {
			return v.checkKey(ctx, c.Name(), it, report)
		})
		if err != nil {
			return fmt.Errorf("vault: check: %w", err)
		}
	}
	return nil
}

// checkKey checks one key document.
func (v *Vault) checkKey(ctx context.Context, collection string, it store.Item[keyDoc], report *store.Report) error {
	where := collection + "/" + it.ID
	report.Count("vault keys", 1)
	if !it.Doc.Destroyed.IsZero() {
		report.Count("vault keys destroyed", 1)
		if len(it.Doc.Wrapped) > 0 || it.Doc.Master != "" {
			report.Find(destroyInvariant, where, "the key was destroyed and is still there")
		}
		return nil
	}
	if it.Doc.Master != v.kms.KeyID() {
		report.Count("vault keys under an older master key", 1)
	}
	dataKey, err := v.unwrap(ctx, collection, it.ID, it.Doc)
	clear(dataKey)
	switch {
	case err == nil:
	case errors.Is(err, ErrNoMasterKey):
		report.Find(keyInvariant, where, "the master key %q, which wraps it, is not at hand", it.Doc.Master)
	case errors.Is(err, ErrNotWrapped), errors.Is(err, errKeySize):
		report.Find(keyInvariant, where, "the key cannot be unwrapped: it was changed, or belongs elsewhere")
	default:
		return err
	}
	return nil
}
