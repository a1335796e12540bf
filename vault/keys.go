package vault

import (
	"context"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// dataKeySize is the length of a data key, and of the hash key, in bytes.
const dataKeySize = 32

// keyDoc is one wrapped key, or the record that it was destroyed.
type keyDoc struct {
	Master    string    `json:"master,omitempty"`  // id of the master key that wraps it
	Wrapped   []byte    `json:"wrapped,omitempty"` // never the key itself
	Made      time.Time `json:"made,omitzero"`
	Destroyed time.Time `json:"destroyed,omitzero"` // when; then Master and Wrapped are empty for ever
}

// findKey gives an owner's key from memory or from the store. Errors:
// [store.ErrNotFound] for an owner without a key, [ErrDestroyed].
func (v *Vault) findKey(ctx context.Context, owner string) (cipher.AEAD, error) {
	since := v.now() // before the store is read: what is read is at least that new
	aead, ticket := v.cache.get(owner, since)
	if aead != nil {
		return aead, nil
	}
	it, err := v.keys.Get(ctx, owner)
	if err != nil {
		return nil, fmt.Errorf("vault: key: %w", err)
	}
	return v.useKey(ctx, owner, it.Doc, since, ticket)
}

// makeKey makes an owner's key, or gives the one that somebody else made first.
func (v *Vault) makeKey(ctx context.Context, owner string) (cipher.AEAD, error) {
	since := v.now()
	_, ticket := v.cache.get(owner, since)
	doc, err := v.createKey(ctx, v.keys, owner, "vault.key")
	if err != nil {
		return nil, err
	}
	return v.useKey(ctx, owner, doc, since, ticket)
}

// useKey opens the key of an owner's document and keeps it in memory.
func (v *Vault) useKey(ctx context.Context, owner string, doc keyDoc, since time.Time, ticket uint64) (cipher.AEAD, error) {
	if !doc.Destroyed.IsZero() {
		return nil, ErrDestroyed
	}
	dataKey, err := v.unwrap(ctx, v.keys.Name(), owner, doc)
	if err != nil {
		return nil, fmt.Errorf("vault: key: %w", err)
	}
	defer clear(dataKey)
	aead, err := newAEAD(dataKey)
	if err != nil {
		return nil, err
	}
	v.cache.put(owner, aead, since, ticket)
	return aead, nil
}

// errKeySize says that a KMS gave back something that is no key of ours.
var errKeySize = fault.New(fault.Internal, "a data key has the wrong length")

// unknownTries is how often a creation whose outcome is unknown is repeated.
const unknownTries = 3

// createKey makes a key document and gives the one that is in the store
// afterwards: of several callers who race, all get the document of the first.
func (v *Vault) createKey(ctx context.Context, c *store.Collection[keyDoc], id, act string) (keyDoc, error) {
	doc, cmd, err := v.newKey(ctx, c.Name(), id)
	if err != nil {
		return keyDoc{}, err
	}
	var it store.Item[keyDoc]
	for range unknownTries {
		it, err = c.Create(ctx, id, cmd, func(d *keyDoc) ([]store.Entry, error) {
			*d = doc
			return []store.Entry{store.Audit(act, "", map[string]string{"master": doc.Master})}, nil
		})
		if !errors.Is(err, store.ErrUnknown) || ctx.Err() != nil {
			break
		}
	}
	if errors.Is(err, store.ErrExists) {
		it, err = c.Get(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			err = ErrDestroyed // a tombstone, which the vault never leaves itself
		}
	}
	if err != nil {
		return keyDoc{}, fmt.Errorf("vault: new key: %w", err)
	}
	return it.Doc, nil
}

// newKey makes a key, and the command under which it is kept.
func (v *Vault) newKey(ctx context.Context, collection, id string) (keyDoc, store.Command, error) {
	b := make([]byte, dataKeySize+16)
	defer clear(b)
	if _, err := io.ReadFull(v.rand, b); err != nil {
		return keyDoc{}, store.Command{}, fmt.Errorf("vault: new key: %w", err)
	}
	dataKey, name := b[:dataKeySize], b[dataKeySize:]
	wrapped, err := v.kms.Wrap(ctx, dataKey, keyPlace(collection, id))
	if err != nil {
		return keyDoc{}, store.Command{}, fmt.Errorf("vault: new key: %w", err)
	}
	now := v.now().UTC()
	cmd := store.Command{ID: "vault.key/" + hex.EncodeToString(name), Actor: "system:vault", From: v.node, At: now}
	return keyDoc{Master: v.kms.KeyID(), Wrapped: wrapped, Made: now}, cmd, nil
}

// unwrap opens a document's key; the caller clears it.
func (v *Vault) unwrap(ctx context.Context, collection, id string, doc keyDoc) ([]byte, error) {
	dataKey, err := v.kms.Unwrap(ctx, doc.Master, doc.Wrapped, keyPlace(collection, id))
	if err != nil {
		return nil, err
	}
	if len(dataKey) != dataKeySize {
		clear(dataKey)
		return nil, errKeySize
	}
	return dataKey, nil
}

// keyPlace is what a wrapped key is bound to, so that nobody who can write to the
// store can give one owner another's key.
func keyPlace(collection, id string) []byte { return bind("hezuo vault key v1", collection, id) }
