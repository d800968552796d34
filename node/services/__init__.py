"""Long-lived trio tasks that translate decisions into IO: sessions, seeding, downloading, providing."""
