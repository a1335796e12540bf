package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// session is one sign-in on one device. Its refresh tokens are not stored, not
// even as hashes: each is made of the secret and its turn, so that it can be
// checked and, where its answer was lost, be given once more.
type session struct {
	Person   string       `json:"person"`
	Secret   vault.Sealed `json:"secret"` // of owner Person, field "session/" and the id
	Turn     int64        `json:"turn"`   // of the newest refresh token, 0 for the first
	Turned   time.Time    `json:"turned"` // when that one was made
	Device   string       `json:"device,omitempty"`
	Created  time.Time    `json:"created"`
	Expires  time.Time    `json:"expires"` // unless it is refreshed before
	Ended    time.Time    `json:"ended,omitzero"`
	EndedWhy string       `json:"ended_why,omitempty"` // an endReason
}

// The reasons for which a session ends before it expires.
const (
	endSignOut = "signed out"
	endReuse   = "an old refresh token was used"
)

// sessionKeep is how long a session's document stays after its end: network logs
// are kept at least six months (网络安全法 21). The trail stays for ever.
const sessionKeep = 183 * 24 * time.Hour

const sessionField = "session/" // and the id

func sessionSpec() store.Spec[session] {
	return store.Spec[session]{
		Name: "sessions",
		Indexes: []store.Index[session]{
			{Name: "end", Version: 1, Keys: func(_ string, d *session) []store.Key {
				return []store.Key{store.K(d.end())}
			}},
		},
	}
}

// end is when the session is over, or was.
func (d *session) end() time.Time {
	if !d.Ended.IsZero() {
		return d.Ended
	}
	return d.Expires
}

func (d *session) over(at time.Time) bool { return !d.Ended.IsZero() || !at.Before(d.Expires) }

// finish ends the session, with the entry that says so.
func (d *session) finish(at time.Time, why string, facts any) []store.Entry {
	d.Ended, d.EndedWhy = at.UTC(), why
	return []store.Entry{store.Audit("session.end", why, facts)}
}

// DeviceInfo is what a client says of the device it runs on.
type DeviceInfo struct {
	// ID is random, made by the client when it is installed and kept there. A
	// refresh token is good only from the device that signed in. Empty: the
	// client has none.
	ID string
}

// in is all that a session keeps of the device.
func (d DeviceInfo) in(sid string) string {
	if d.ID == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(sid + "\n" + d.ID))
	return hex.EncodeToString(sum[:])
}

// errSession answers whoever comes with a session that is over, or none.
var errSession = fault.New(fault.Unauthenticated, "the session is over").WithFix("sign in again")

// createSession makes a person's session for a command, or gives the one that the
// command made before.
func (s *Service) createSession(ctx context.Context, cmd store.Command, person string, device DeviceInfo) (string, session, error) {
	sid := store.DeriveID("s", "session", person, cmd.ID)
	secret, err := s.random(32)
	if err != nil {
		return "", session{}, err
	}
	sealed, err := s.cfg.Vault.Seal(ctx, person, sessionField+sid, base64.RawURLEncoding.EncodeToString(secret))
	if err != nil {
		return "", session{}, err
	}
	at := cmd.At.UTC()
	it, err := s.sessions.Create(ctx, sid, cmd.Sub("session"), func(d *session) ([]store.Entry, error) {
		*d = session{
			Person: person, Secret: sealed, Turned: at, Device: device.in(sid),
			Created: at, Expires: at.Add(s.cfg.SessionFor),
		}
		return []store.Entry{store.Audit("session.start", "", map[string]string{"person": person})}, nil
	})
	return sid, it.Doc, err
}

// SessionActive reports whether a session is good now. Sockets ask it from time
// to time.
func (s *Service) SessionActive(ctx context.Context, sid string) (bool, error) {
	it, err := s.sessions.Get(ctx, sid)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && !it.Doc.over(s.cfg.Now()), err
}

// SignOut ends the principal's session, and with it its access and refresh
// tokens. To end what is over is a no-op.
func (s *Service) SignOut(ctx context.Context, cmd store.Command, p Principal) error {
	_, err := s.sessions.Update(ctx, p.Session, p.command(cmd).Sub("sign-out"), func(d *session) ([]store.Entry, error) {
		if d.Person != p.Person {
			return nil, errSession
		}
		if d.over(cmd.At) {
			return nil, nil
		}
		return d.finish(cmd.At, endSignOut, nil), nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
