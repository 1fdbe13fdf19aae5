import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.io.SeekableInputStream;

/**
 * Iceberg's files in a bucket that everybody may read and write, of the store at the property open-s3.endpoint. The tools hold
 * no AWS SDK, which Iceberg's own S3FileIO needs.
 */
public class OpenS3FileIO implements FileIO {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private String endpoint;

  @Override
  public void initialize(Map<String, String> properties) {
    endpoint = properties.get("open-s3.endpoint").replaceAll("/+$", "");
  }

  private HttpResponse<byte[]> send(String method, String location, byte[] body, String... headers) throws IOException {
    var request = HttpRequest.newBuilder(URI.create(endpoint + "/" + location.substring("s3://".length())))
        .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
    if (headers.length > 0) request.headers(headers);
    try {
      var answer = HTTP.send(request.build(), BodyHandlers.ofByteArray());
      if (answer.statusCode() == 404) throw new FileNotFoundException(location);
      if (answer.statusCode() >= 300) throw new IOException(method + " " + location + ": " + answer.statusCode() + " " + new String(answer.body()));
      return answer;
    } catch (InterruptedException interrupted) {
      throw new IOException(interrupted);
    }
  }

  @Override
  public void deleteFile(String location) {
    try {
      send("DELETE", location, null);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public InputFile newInputFile(String location) {
    return new InputFile() {
      @Override
      public String location() {
        return location;
      }

      @Override
      public boolean exists() {
        try {
          send("HEAD", location, null);
          return true;
        } catch (FileNotFoundException missing) {
          return false;
        } catch (IOException failure) {
          throw new UncheckedIOException(failure);
        }
      }

      @Override
      public long getLength() {
        return bytes().length;
      }

      @Override
      public SeekableInputStream newStream() {
        return new Stream(bytes());
      }

      private byte[] bytes() {
        try {
          return send("GET", location, null).body();
        } catch (FileNotFoundException missing) {
          throw new NotFoundException(missing, "%s", location);
        } catch (IOException failure) {
          throw new UncheckedIOException(failure);
        }
      }
    };
  }

  @Override
  public OutputFile newOutputFile(String location) {
    return new OutputFile() {
      @Override
      public String location() {
        return location;
      }

      @Override
      public InputFile toInputFile() {
        return newInputFile(location);
      }

      @Override
      public PositionOutputStream create() {
        return new Upload(location, "If-None-Match", "*");
      }

      @Override
      public PositionOutputStream createOrOverwrite() {
        return new Upload(location);
      }
    };
  }

  private final class Upload extends PositionOutputStream {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final String location;
    private final String[] headers;
    private boolean isClosed;

    Upload(String location, String... headers) {
      this.location = location;
      this.headers = headers;
    }

    @Override
    public long getPos() {
      return bytes.size();
    }

    @Override
    public void write(int value) {
      bytes.write(value);
    }

    @Override
    public void write(byte[] values, int start, int length) {
      bytes.write(values, start, length);
    }

    @Override
    public void close() throws IOException {
      if (isClosed) return;
      isClosed = true;
      send("PUT", location, bytes.toByteArray(), headers);
    }
  }

  private static final class Stream extends SeekableInputStream {
    private final ByteArrayInputStream inner;
    private final int length;

    Stream(byte[] bytes) {
      inner = new ByteArrayInputStream(bytes);
      length = bytes.length;
    }

    @Override
    public long getPos() {
      return length - inner.available();
    }

    @Override
    public void seek(long position) {
      inner.reset();
      inner.skip(position);
    }

    @Override
    public int read() {
      return inner.read();
    }

    @Override
    public int read(byte[] into, int start, int count) {
      return inner.read(into, start, count);
    }
  }
}
