package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"hezuo/fault"
	"hezuo/store"
)

// hashSize is the length of a keyed hash in bytes, 160 bits: whoever lacks the
// key finds neither a value for a hash nor two values for one.
const hashSize = 20

// hashKeyID is the document of the hash key in vault_house.
const hashKeyID = "hash"

// Hash gives a keyed hash of a value, 40 hexadecimal digits, by which a sealed
// value can be found by equality. Hashes of different kinds ("phone",
// "identity") tell nothing about each other. The caller brings the value to its
// one form first. An empty value gives an empty hash.
//
// The key of the hashes outlives the people: whoever destroys an owner's key
// removes the owner's hashes from the documents too (个人信息保护法 47), for the
// house could try all phone numbers.
func (v *Vault) Hash(kind, value string) string {
	if value == "" {
		return ""
	}
	return v.mac(kind, value)
}

// openHashKey reads the key of the hashes, or makes it in a store that is new.
func (v *Vault) openHashKey(ctx context.Context) error {
	doc, err := v.hashKey(ctx)
	if err != nil {
		return err
	}
	key, err := v.unwrap(ctx, v.house.Name(), hashKeyID, doc)
	if errors.Is(err, ErrNoMasterKey) || errors.Is(err, ErrNotWrapped) {
		return fault.New(fault.Unavailable, "the master key at hand is not the one that this store was made with (it asks for %s)", doc.Master).
			WithFix("give the master key of this store, after a rotation as an older one; no new key was made").Wrap(err)
	}
	if err != nil {
		return fmt.Errorf("vault: hash key: %w", err)
	}
	v.mac = newMAC(key)
	return nil
}

// newMAC gives the function that hashes under a key.
func newMAC(key []byte) func(kind, value string) string {
	return func(kind, value string) string {
		m := hmac.New(sha256.New, key)
		m.Write(bind("hezuo vault hash v1", kind, value))
		return hex.EncodeToString(m.Sum(nil)[:hashSize])
	}
}

// hashKey gives the document of the hash key. It is made before any owner's key:
// where there are owners and no hash key, something was lost, and a new key
// would hide it.
func (v *Vault) hashKey(ctx context.Context) (keyDoc, error) {
	it, err := v.house.Get(ctx, hashKeyID)
	if !errors.Is(err, store.ErrNotFound) {
		return it.Doc, err
	}
	owners, err := v.keys.Find(ctx, store.Range{Limit: 1})
	if err != nil {
		return keyDoc{}, fmt.Errorf("vault: hash key: %w", err)
	}
	if len(owners.Items) == 0 {
		return v.createKey(ctx, v.house, hashKeyID, "vault.hash_key")
	}
	// Another node may have made the hash key, and the first owner's, just now.
	it, err = v.house.Get(ctx, hashKeyID)
	if errors.Is(err, store.ErrNotFound) {
		return keyDoc{}, fault.New(fault.Unavailable, "the store holds sealed data, but the key of its hashes is missing").
			WithFix("restore the collection vault_house from a backup; no new key was made").Wrap(err)
	}
	return it.Doc, err
}
