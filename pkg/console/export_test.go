package console

// CSRFOf is the form token of the one session of a console.
func CSRFOf(s *Server) string {
	s.guard.mu.Lock()
	defer s.guard.mu.Unlock()
	for _, session := range s.guard.sessions {
		return session.csrf
	}
	return ""
}
