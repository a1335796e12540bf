package agreement

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// ring is the document of the keys that the house countersigns with. Their public
// parts stay for ever, for what they signed.
type ring struct {
	Keys []ringKey `json:"keys"` // the first signs
}

// ringKey is one Ed25519 key.
type ringKey struct {
	ID      string       `json:"id"`                // RFC 7638 thumbprint
	Public  []byte       `json:"public"`            // 32 bytes
	Private vault.Sealed `json:"private,omitempty"` // the seed; only the first has it
	Made    time.Time    `json:"made"`
}

const (
	ringID    = "ring"
	ringOwner = "house:agreement" // to the vault; the field is the key's id
)

// firstKey makes the house's key in a store that is new. All nodes that start at
// once give the same command, so the first one's key is everyone's.
func (s *Agreements) firstKey(ctx context.Context) error {
	_, err := s.platform.Get(ctx, ringID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	now := s.cfg.Now().UTC()
	key, err := s.newRingKey(ctx, now)
	if err != nil {
		return err
	}
	cmd := store.Command{ID: "first platform key", Actor: "system:agreement", From: s.cfg.Node, At: now}
	_, err = s.platform.Create(ctx, ringID, cmd, func(r *ring) ([]store.Entry, error) {
		r.Keys = []ringKey{key}
		return []store.Entry{store.Audit("platform_keys.first", "", map[string]string{"key": key.ID})}, nil
	})
	return err
}

// RotatePlatformKey puts a new key in place of the one that countersigns. The one
// before stays published for ever, its private part goes at once. The caller has
// decided that cmd.Actor may do so. The reason is for people to read, and never
// personal data.
func (s *Agreements) RotatePlatformKey(ctx context.Context, cmd store.Command, reason string) error {
	if reason == "" {
		return fault.Field("reason", "this is missing", "say why the key is replaced")
	}
	key, err := s.newRingKey(ctx, cmd.At.UTC())
	if err != nil {
		return err
	}
	_, err = s.platform.Update(ctx, ringID, cmd.Sub("rotate"), func(r *ring) ([]store.Entry, error) {
		keys := []ringKey{key}
		for _, k := range r.Keys {
			k.Private = ""
			keys = append(keys, k)
		}
		r.Keys = keys
		return []store.Entry{store.Audit("platform_keys.rotate", reason, map[string]string{"key": key.ID})}, nil
	})
	return err
}

func (s *Agreements) newRingKey(ctx context.Context, at time.Time) (ringKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	if _, err := io.ReadFull(s.cfg.Rand, seed); err != nil {
		return ringKey{}, fault.New(fault.Internal, "no randomness").Wrap(err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	defer clear(private)
	public := bytes.Clone(private[ed25519.SeedSize:])
	id := platformJWK(public).Kid
	sealed, err := s.cfg.Vault.Seal(ctx, ringOwner, id, base64.StdEncoding.EncodeToString(seed))
	if err != nil {
		return ringKey{}, err
	}
	return ringKey{ID: id, Public: public, Private: sealed, Made: at}, nil
}

// openKey opens the private part of a key and compares it with the public one.
func (s *Agreements) openKey(ctx context.Context, k ringKey) (ed25519.PrivateKey, error) {
	text, err := s.cfg.Vault.Open(ctx, ringOwner, k.ID, k.Private)
	if err != nil {
		return nil, err
	}
	seed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fault.New(fault.Internal, "the house's key cannot be read")
	}
	defer clear(seed)
	private := ed25519.NewKeyFromSeed(seed)
	if !bytes.Equal(private[ed25519.SeedSize:], k.Public) || platformJWK(k.Public).Kid != k.ID {
		return nil, fault.New(fault.Internal, "the halves of the house's key do not belong together")
	}
	return private, nil
}

// countersign signs a statement with the key that signs now. The key is read each
// time: agreements are few, and so a replaced key is used by no node.
func (s *Agreements) countersign(ctx context.Context, statement Statement) (Countersignature, error) {
	it, err := s.platform.Get(ctx, ringID)
	if err != nil {
		return Countersignature{}, err
	}
	if len(it.Doc.Keys) == 0 {
		return Countersignature{}, fault.New(fault.Internal, "the house has no key to countersign with")
	}
	private, err := s.openKey(ctx, it.Doc.Keys[0])
	if err != nil {
		return Countersignature{}, err
	}
	defer clear(private)
	return countersign(private, platformJWK(it.Doc.Keys[0].Public), statement)
}

// PlatformJWKS gives all keys that the house ever countersigned with: the trusted
// set for [VerifyFile].
func (s *Agreements) PlatformJWKS(ctx context.Context) (jose.JSONWebKeySet, error) {
	it, err := s.platform.Get(ctx, ringID)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var set jose.JSONWebKeySet
	for _, k := range it.Doc.Keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: ed25519.PublicKey(k.Public), KeyID: k.ID, Algorithm: counterAlgorithm, Use: "sig"})
	}
	return set, nil
}
