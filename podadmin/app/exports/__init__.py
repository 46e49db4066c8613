"""The journal as others read it: JSON Lines, a Five Safes RO-Crate, FHIR AuditEvents, a PDF evidence pack."""
