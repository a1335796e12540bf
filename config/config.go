// Package config holds the settings of the hezuo program: their defaults, the
// YAML file and the environment that override them, and the one place that
// says what is wrong with them.
//
// It opens nothing but the files that settings name, and decides nothing:
// what a setting does is the business of the package that it is handed to.
// Only cmd and tests import it.
package config

import "time"

// Config is every setting of the program. Start from Default or Load: the zero
// Config is not valid.
//
// The tags make the keys, the documentation and the simple checks: yaml is the
// key, doc says what it is for, unit, min and max bound a number or a
// duration, oneof lists what a word may be.
type Config struct {
	// Environment says whether mistakes that endanger people are refused.
	Environment Environment `yaml:"environment" oneof:"development production" doc:"In production, what would expose people is refused: sign-in codes in the log, links and text-message requests without TLS."`

	// Listen is the address and port of the HTTP server; port 0 takes a free one.
	Listen string `yaml:"listen" doc:"Address and port of the HTTP server. Port 0 takes a free one; an empty address listens on all."`

	// PublicURL is how browsers reach the server: scheme, host and port, no path.
	PublicURL string `yaml:"public_url" doc:"How browsers reach this server: scheme, host and port, no path and no slash at the end. It is the issuer of tokens (changing it signs everyone out) and the start of links."`

	// Origins are the other sites whose pages may call the API and open the websocket.
	Origins []string `yaml:"origins" doc:"Other sites whose pages may call the API and open the websocket, each as scheme, host and port. Empty: only pages from public_url's own origin."`

	// TrustedProxies are the networks whose word on the caller's address is taken.
	TrustedProxies []string `yaml:"trusted_proxies" doc:"Networks (CIDR) of the reverse proxies whose X-Forwarded-For is believed. Empty: it is ignored, and the connection's address counts."`

	// Store is the URL of the database: sqlite: and a path.
	Store string `yaml:"store" doc:"Database: sqlite: and the path of its file, relative to the working directory or absolute. This version knows no other."`

	// ShutdownTimeout is how long a stop may take; a duration, 1s to 5m.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" unit:"duration" min:"1s" max:"5m" doc:"Time given to requests, sockets and workers to finish after a signal to stop."`

	// Log says what is logged and in which form.
	Log Log `yaml:"log" doc:"What the program logs to standard error."`

	// Vault holds the key that personal data is sealed under.
	Vault Vault `yaml:"vault" doc:"The key that personal data is sealed under. Exactly one of the two must be given; who loses it loses the data."`

	// SMS says how sign-in codes reach people.
	SMS SMS `yaml:"sms" doc:"How sign-in codes reach people."`

	// Limits bounds what one caller can cost.
	Limits Limits `yaml:"limits" doc:"What one caller can cost."`

	// Retention says how long what is kept for a while is kept.
	Retention Retention `yaml:"retention" doc:"How long what is kept for a while is kept."`
}

// Environment is the kind of place the program runs in.
type Environment string

// The environments there are.
const (
	Development Environment = "development"
	Production  Environment = "production"
)

// Log is what the program says of itself.
type Log struct {
	// Level is the least level that is logged: debug, info, warn or error.
	Level string `yaml:"level" oneof:"debug info warn error" doc:"Least level that is logged."`

	// Format is text for people or json for machines.
	Format string `yaml:"format" oneof:"text json" doc:"Text for people, json for machines."`
}

// Vault is where the master key comes from; Key reads it.
type Vault struct {
	// MasterKey is the key itself, base64 of 32 bytes.
	MasterKey Secret `yaml:"master_key" doc:"The key itself: 32 random bytes in base64."`

	// MasterKeyFile is the path of a file that holds the key in the same form.
	MasterKeyFile string `yaml:"master_key_file" doc:"Path of a file that holds the key in the same form, relative to the working directory or absolute. Empty: none."`
}

// The ways of sending a text message.
const (
	SenderConsole = "console" // into the log, for development
	SenderHTTP    = "http"    // by a POST to SMS.URL
)

// SMS is how text messages are sent.
type SMS struct {
	// Sender is console or http.
	Sender string `yaml:"sender" oneof:"console http" doc:"console writes the code into the log, for development only; http posts it to url."`

	// URL receives the messages of the sender http.
	URL string `yaml:"url" doc:"Where the sender http posts to. Needed with it, unused otherwise."`

	// Token is sent as the bearer token with each message; empty sends none.
	Token Secret `yaml:"token" doc:"Bearer token sent with each post. Empty: none is sent."`

	// Timeout bounds the sending of one message; a duration, 100ms to 1m.
	Timeout time.Duration `yaml:"timeout" unit:"duration" min:"100ms" max:"1m" doc:"Time that sending one message may take."`
}

// Limits bounds what one caller can cost.
type Limits struct {
	// BodyBytes is the largest request body, in bytes, 1024 to 67108864.
	BodyBytes int `yaml:"body_bytes" unit:"bytes" min:"1024" max:"67108864" doc:"Largest request body."`

	// RequestsPerMinute is for a person who is signed in, in requests a minute, 1 to 1000000.
	RequestsPerMinute int `yaml:"requests_per_minute" unit:"requests a minute" min:"1" max:"1000000" doc:"For a person who is signed in."`

	// AnonymousPerMinute is for an address, in requests a minute, 1 to 1000000.
	AnonymousPerMinute int `yaml:"anonymous_per_minute" unit:"requests a minute" min:"1" max:"1000000" doc:"For an address, of all who are not signed in there. A village may share one."`

	// CodesPerPhonePerHour is for a phone number, in codes an hour, 1 to 1000.
	CodesPerPhonePerHour int `yaml:"codes_per_phone_per_hour" unit:"codes an hour" min:"1" max:"1000" doc:"Sign-in codes sent to one phone number."`

	// CodesPerAddressPerHour is for an address, in codes an hour, 1 to 1000000.
	CodesPerAddressPerHour int `yaml:"codes_per_address_per_hour" unit:"codes an hour" min:"1" max:"1000000" doc:"Sign-in codes asked for from one address. Each costs a text message."`

	// SocketQueue is how far a reader may fall behind before it is cut, in frames, 1 to 65536.
	SocketQueue int `yaml:"socket_queue" unit:"frames" min:"1" max:"65536" doc:"How far a websocket's reader may fall behind before it is cut; it comes back and asks for what it missed."`

	// SocketFrameBytes is the largest websocket frame accepted, in bytes, 1024 to 1048576.
	SocketFrameBytes int `yaml:"socket_frame_bytes" unit:"bytes" min:"1024" max:"1048576" doc:"Largest websocket frame accepted from a client."`
}

// Retention says how long what is kept for a while is kept.
type Retention struct {
	// IdempotencyDays is how long an answer can be asked for again, in days, 1 to 365.
	IdempotencyDays int `yaml:"idempotency_days" unit:"days" min:"1" max:"365" doc:"How long a repeated request with the same idempotency key gets the first one's answer."`
}

// Default is every setting's value where nothing else is said. It lacks a
// master key, and so is not yet valid.
func Default() Config {
	return Config{
		Environment:     Development,
		Listen:          "127.0.0.1:8080",
		PublicURL:       "http://127.0.0.1:8080",
		Store:           "sqlite:hezuo.db",
		ShutdownTimeout: 15 * time.Second,
		Log:             Log{Level: "info", Format: "text"},
		SMS:             SMS{Sender: SenderConsole, Timeout: 10 * time.Second},
		Limits: Limits{
			BodyBytes:              1 << 20,
			RequestsPerMinute:      300,
			AnonymousPerMinute:     300,
			CodesPerPhonePerHour:   5,
			CodesPerAddressPerHour: 60,
			SocketQueue:            256,
			SocketFrameBytes:       1 << 16,
		},
		Retention: Retention{IdempotencyDays: 7},
	}
}
