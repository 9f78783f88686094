"""The service over HTTP: OSIA's interface to a biometric system, for other systems to call."""
