/// What a server does wrong, or oddly, in one case of gRPC's interoperability tests. The names are
/// those of the client's cases.
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/negative-http2-interop-test-descriptions.md>
package enum HostileCase: String, CaseIterable, Sendable {
  /// Says GOAWAY when it has got the first call of a connection, and answers that.
  case goAway = "goaway"
  /// RST_STREAM with NO_ERROR behind the head of the response,
  case resetAfterHeader = "rst_after_header"
  /// behind half of its message,
  case resetDuringData = "rst_during_data"
  /// or behind all of it.
  case resetAfterData = "rst_after_data"
  /// PING before and behind head and data.
  case ping
  /// Allows one call at a time.
  case maxStreams = "max_streams"
  /// DATA of 5 bytes, each with 255 bytes of padding.
  case dataFramePadding = "data_frame_padding"
  /// DATA of 5 bytes.
  case noDataFramePadding = "no_df_padding_sanity_test"
}
