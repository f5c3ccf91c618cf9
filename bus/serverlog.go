package bus

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

// linesPerSecond keeps a client that violates its permissions in a loop from filling the log.
const linesPerSecond = 20

// serverLog hands the log lines of nats-server to zerolog. What the server notes in passing (start, stop, clients that
// come and go) is debug output here. Its methods may be called concurrently.
//
// A panic inside nats-server cannot be caught here, as it happens in goroutines of its own: it ends the process with a
// trace on stderr, and whoever watches the bus starts it again.
type serverLog struct {
	log zerolog.Logger

	mu      sync.Mutex
	second  time.Time
	lines   int
	dropped int
	lastErr error

	violations    uint64
	lastViolation string
}

var _ server.Logger = (*serverLog)(nil)

func newServerLog(log zerolog.Logger) *serverLog {
	return &serverLog{log: log.With().Str("part", "nats-server").Logger()}
}

// fatal is the last reason that the server gave for not starting.
func (s *serverLog) fatal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastErr
}

func (s *serverLog) write(level zerolog.Level, format string, args []any) {
	text := fmt.Sprintf(format, args...)
	// Right for passwords in a file; ours are made at start and live in memory.
	if strings.Contains(text, "Plaintext passwords detected") {
		return
	}
	allowed, dropped := s.allow(time.Now())
	if dropped > 0 {
		s.log.Warn().Int("lines", dropped).Msg("lines of nats-server were left out: more than 20 a second")
	}
	if allowed || level >= zerolog.FatalLevel {
		s.log.WithLevel(level).Msg(text)
	}
}

func (s *serverLog) allow(now time.Time) (allowed bool, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.second) >= time.Second {
		dropped, s.dropped = s.dropped, 0
		s.second, s.lines = now, 0
	}
	if s.lines++; s.lines > linesPerSecond {
		s.dropped++
		return false, dropped
	}
	return true, dropped
}

// Noticef logs at debug level.
func (s *serverLog) Noticef(format string, args ...any) { s.write(zerolog.DebugLevel, format, args) }

// Warnf logs a warning.
func (s *serverLog) Warnf(format string, args ...any) { s.write(zerolog.WarnLevel, format, args) }

// Errorf logs an error. It counts those in which a client tried what its role may not do.
func (s *serverLog) Errorf(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); strings.Contains(text, " Violation - ") {
		s.mu.Lock()
		s.violations++
		s.lastViolation = text
		s.mu.Unlock()
	}
	s.write(zerolog.ErrorLevel, format, args)
}

// violated returns how often clients tried what they may not do, and the last time in nats-server's words.
func (s *serverLog) violated() (n uint64, last string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.violations, s.lastViolation
}

// Debugf logs at trace level.
func (s *serverLog) Debugf(format string, args ...any) { s.write(zerolog.TraceLevel, format, args) }

// Tracef logs at trace level.
func (s *serverLog) Tracef(format string, args ...any) { s.write(zerolog.TraceLevel, format, args) }

// Fatalf logs an error and keeps it as the reason for a failed start. It does not end the process.
func (s *serverLog) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	s.mu.Lock()
	s.lastErr = err
	s.mu.Unlock()
	s.write(zerolog.FatalLevel, format, args)
}
