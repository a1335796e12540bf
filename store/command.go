package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gowebpki/jcs"

	"hezuo/fault"
)

// Command is one act of somebody on one document: who, when, from where. Its id
// makes a repeat harmless.
type Command struct {
	ID    string    // unique for what the caller means; the same for every repeat of it
	Actor string    // id of the person, or "system:NAME" for the house itself
	From  string    // the session or the node; never an address in the clear
	At    time.Time // when the act was taken in
	Hash  string    // optional: of the request; a repeat with another one is ErrReused
	// Lease and Epoch name the lease under which the act is done, if any. The
	// document refuses an epoch lower than it has seen of the lease.
	Lease string
	Epoch int64
	// Rev is optional: the revision that the actor saw. Another one is ErrStale.
	Rev int64
}

// Sub gives the command for one of several documents that an act changes.
func (c Command) Sub(part string) Command {
	c.ID += "/" + part
	c.Hash, c.Rev = "", 0
	return c
}

func (c Command) validate() error {
	if c.ID == "" || c.Actor == "" || c.At.IsZero() {
		return fault.New(fault.Internal, "a command needs an id, an actor and a time")
	}
	return nil
}

// remembered is how many recent commands a document keeps.
const remembered = 48

// AuditRecord is the body of an entry in a document's audit trail. The records
// are chained: Prev is the hash of the record before, and the document keeps the
// hash of the newest, so that a trail cannot be cut, reordered or rewritten
// without the document showing it.
type AuditRecord struct {
	Act     string          `json:"act"`             // what was done, such as "job.open"
	Why     string          `json:"why,omitempty"`   // the reason given; never personal data
	Facts   json.RawMessage `json:"facts,omitempty"` // what else should be known; never personal data
	Actor   string          `json:"actor"`
	From    string          `json:"from,omitempty"`
	Command string          `json:"command"`
	Rev     int64           `json:"rev"`  // the revision that the act made
	Body    string          `json:"body"` // SHA-256 of the document's canonical JSON at that revision, hex; empty for a deletion
	Prev    string          `json:"prev"` // hash of the record before; empty for the first
	Epoch   int64           `json:"epoch,omitempty"`
}

// auditPrefix begins the name of every audit trail.
const auditPrefix = "audit/"

// AuditLog names a document's audit trail.
func AuditLog(collection, id string) string { return auditPrefix + collection + "/" + id }

// Audit makes the entry that every change of state must return one of. Facts may
// be nil. The [Collection] adds who, when, where, and the chain.
func Audit(act, why string, facts any) Entry {
	rec := AuditRecord{Act: act, Why: why}
	if facts != nil {
		b, err := json.Marshal(facts)
		if err != nil {
			panic("store: audit facts: " + err.Error()) // a defect of the caller: facts are plain values
		}
		rec.Facts = b
	}
	b, _ := json.Marshal(rec)
	return Entry{Kind: auditKind, Body: b}
}

// auditKind marks audit entries among those that a function returns.
const auditKind = "audit"

// Hash gives the hex SHA-256 of a value's canonical JSON (RFC 8785).
func Hash(body json.RawMessage) (string, error) {
	canonical, err := jcs.Transform(body)
	if err != nil {
		return "", fmt.Errorf("canonical form: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// Ref names a document at a revision: the body of an entry that was given none.
type Ref struct {
	Collection string `json:"collection"`
	ID         string `json:"id"`
	Rev        int64  `json:"rev"`
}

// complete fills in what the entries of one write leave open and chains the
// audit record to the document. doc is the document as it will be written.
func complete(doc *Document, cmd Command, entries []Entry, unaudited bool) ([]Entry, error) {
	audited := 0
	out := make([]Entry, len(entries))
	for i, e := range entries {
		if e.At.IsZero() {
			e.At = cmd.At
		}
		e.At = e.At.UTC()
		if e.Kind == auditKind && e.Log == "" {
			audited++
			e.Log = AuditLog(doc.Collection, doc.ID)
			body, head, err := chain(doc, cmd, e.Body)
			if err != nil {
				return nil, err
			}
			e.Body, doc.Head = body, head
		}
		if e.Log == "" {
			return nil, fault.New(fault.Internal, "an entry without a log")
		}
		if e.Body == nil {
			b, err := json.Marshal(Ref{Collection: doc.Collection, ID: doc.ID, Rev: doc.Rev})
			if err != nil {
				return nil, fmt.Errorf("entry: %w", err)
			}
			e.Body = b
		}
		if e.ID == "" {
			e.ID = fmt.Sprintf("%s/%s@%d.%d", doc.Collection, doc.ID, doc.Rev, i)
		}
		out[i] = e
	}
	if audited != 1 && !unaudited {
		return nil, ErrNoAudit
	}
	return out, nil
}

// chain finishes one audit record and gives it with its hash.
func chain(doc *Document, cmd Command, body json.RawMessage) (json.RawMessage, string, error) {
	var rec AuditRecord
	if err := json.Unmarshal(body, &rec); err != nil {
		return nil, "", fmt.Errorf("audit record: %w", err)
	}
	rec.Actor, rec.From, rec.Command, rec.Rev, rec.Prev, rec.Epoch = cmd.Actor, cmd.From, cmd.ID, doc.Rev, doc.Head, cmd.Epoch
	if !doc.Deleted {
		h, err := Hash(doc.Body)
		if err != nil {
			return nil, "", err
		}
		rec.Body = h
	}
	b, err := json.Marshal(rec)
	if err != nil {
		return nil, "", fmt.Errorf("audit record: %w", err)
	}
	head, err := Hash(b)
	return b, head, err
}
