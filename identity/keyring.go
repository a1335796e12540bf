package identity

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// ringDoc is the document of the keys that tokens are signed with.
type ringDoc struct {
	Keys []ringKey `json:"keys"` // the first signs; the others are good for what they signed
}

// ringKey is one Ed25519 key.
type ringKey struct {
	ID      string       `json:"id"`                // RFC 7638 thumbprint
	Public  []byte       `json:"public"`            // 32 bytes
	Private vault.Sealed `json:"private,omitempty"` // the seed, of the owner house:jwt, the id as field; only the first has it
	Made    time.Time    `json:"made"`
	Until   time.Time    `json:"until,omitzero"` // when it was replaced: the end of all that it signed
}

const (
	ringID    = "ring"
	ringOwner = "house:jwt"

	// ringAge is how old a node's copy of the ring may be. After a rotation a
	// node may sign with the key before for so long.
	ringAge = time.Minute
	// ringRetry is how long after reading the ring a node believes that a key
	// which is not in it does not exist: forged key ids must not read the store.
	ringRetry = time.Second
)

// ring is a node's copy.
type ring struct {
	signing signingKey
	keys    []ringKey
	read    time.Time
}

type signingKey struct {
	id      string
	private ed25519.PrivateKey
}

// young reports whether the copy was read less than d ago, by a clock that may
// be set back.
func (r *ring) young(now time.Time, d time.Duration) bool {
	age := now.Sub(r.read)
	return age >= 0 && age < d
}

// find gives a key that is good now, nil if there is none.
func (r *ring) find(kid string, now time.Time) ed25519.PublicKey {
	for _, k := range r.keys {
		if k.ID == kid && (k.Until.IsZero() || now.Before(k.Until)) {
			return k.Public
		}
	}
	return nil
}

func (s *Service) signingKey(ctx context.Context) (signingKey, error) {
	now := s.cfg.Now()
	r, err := s.keyring(ctx, func(r *ring) bool { return r.young(now, ringAge) })
	if err != nil {
		return signingKey{}, err
	}
	return r.signing, nil
}

// verifyingKey gives the key of an id, nil if there is none.
func (s *Service) verifyingKey(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	now := s.cfg.Now()
	r, err := s.keyring(ctx, func(r *ring) bool {
		return r.young(now, ringRetry) || r.young(now, ringAge) && r.find(kid, now) != nil
	})
	if err != nil {
		return nil, err
	}
	return r.find(kid, now), nil
}

// keyring gives the node's copy of the ring, read anew if it does not do.
func (s *Service) keyring(ctx context.Context, does func(*ring) bool) (*ring, error) {
	if r := s.ring.Load(); r != nil && does(r) {
		return r, nil
	}
	s.loading.Lock()
	defer s.loading.Unlock()
	if r := s.ring.Load(); r != nil && does(r) {
		return r, nil
	}
	read := s.cfg.Now() // before the store is read: what is read is at least that new
	it, err := s.keys.Get(ctx, ringID)
	if err != nil {
		return nil, err
	}
	if len(it.Doc.Keys) == 0 {
		return nil, fault.New(fault.Internal, "there is no key for tokens")
	}
	first := it.Doc.Keys[0]
	private, err := s.openRingKey(ctx, first)
	if err != nil {
		return nil, err
	}
	r := &ring{signing: signingKey{first.ID, private}, keys: it.Doc.Keys, read: read}
	s.ring.Store(r)
	return r, nil
}

// firstKey makes the ring in a store that is new. All nodes that start at once
// give the same command, so the first one's key is everyone's.
func (s *Service) firstKey(ctx context.Context) error {
	_, err := s.keys.Get(ctx, ringID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	now := s.cfg.Now().UTC()
	key, err := s.newRingKey(ctx, now)
	if err != nil {
		return err
	}
	cmd := store.Command{ID: "first token key", Actor: "system:identity", At: now}
	_, err = s.keys.Create(ctx, ringID, cmd, func(d *ringDoc) ([]store.Entry, error) {
		d.Keys = []ringKey{key}
		return []store.Entry{store.Audit("token_keys.first", "", map[string]string{"key": key.ID})}, nil
	})
	return err
}

// RotateKeys puts a new key in place of the one that signs tokens. The one before
// stays published until everything it signed is over, its private part goes at
// once. Other nodes follow within a minute.
func (s *Service) RotateKeys(ctx context.Context, cmd store.Command) error {
	at := cmd.At.UTC()
	key, err := s.newRingKey(ctx, at)
	if err != nil {
		return err
	}
	// Another node may sign with the key before until its copy is old.
	until := at.Add(s.cfg.AccessFor + 2*ringAge)
	_, err = s.keys.Update(ctx, ringID, cmd.Sub("rotate"), func(d *ringDoc) ([]store.Entry, error) {
		keys := []ringKey{key}
		for _, k := range d.Keys {
			if k.Until.IsZero() {
				k.Until, k.Private = until, ""
			}
			if at.Before(k.Until) {
				keys = append(keys, k)
			}
		}
		d.Keys = keys
		return []store.Entry{store.Audit("token_keys.rotate", "", map[string]string{"key": key.ID})}, nil
	})
	if err != nil {
		return err
	}
	s.ring.Store(nil)
	return nil
}

func (s *Service) newRingKey(ctx context.Context, at time.Time) (ringKey, error) {
	seed, err := s.random(ed25519.SeedSize)
	if err != nil {
		return ringKey{}, err
	}
	defer clear(seed)
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	id, err := thumbprintOf(public)
	if err != nil {
		return ringKey{}, err
	}
	sealed, err := s.cfg.Vault.Seal(ctx, ringOwner, id, base64.StdEncoding.EncodeToString(seed))
	if err != nil {
		return ringKey{}, err
	}
	return ringKey{ID: id, Public: public, Private: sealed, Made: at}, nil
}
