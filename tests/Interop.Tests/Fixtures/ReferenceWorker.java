import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Runs commands of Iceberg's reference implementation one after the other in one JVM: a start of Java costs far more than
 * most commands. The protocol is that of ToolWorkers.cs. A command that fails does so as iceberg-ref does: code 2 for a
 * wrong call, code 3 for anything else, with one line on standard error.
 */
final class ReferenceWorker {
  /** Standard output, a file that is appended to: some commands write to its descriptor and not to System.out. */
  private static final Path OUTPUT = Path.of("/proc/self/fd/1");

  /** What a command's catalog has opened. The command leaves it open, as its process would end. */
  private static final Queue<Connection> CONNECTIONS = new ConcurrentLinkedQueue<>();

  public static void main(String[] answersPath) throws Exception {
    // Main.main ends the JVM; the method under it gives the exit code.
    Method run = Class.forName("matih.ref.Main").getDeclaredMethod("run", String[].class);
    run.setAccessible(true);
    rememberConnections(run.getDeclaringClass().getClassLoader());
    PrintStream answers = new PrintStream(new FileOutputStream(answersPath[0]), false, StandardCharsets.US_ASCII);
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    System.setIn(InputStream.nullInputStream());
    for (String line; (line = requests.readLine()) != null; ) {
      String[] arguments = Arrays.stream(line.split(" ")).map(ReferenceWorker::decode).toArray(String[]::new);
      truncate(OUTPUT);
      ByteArrayOutputStream error = new ByteArrayOutputStream();
      System.setErr(new PrintStream(error, true, StandardCharsets.UTF_8));
      int code;
      try {
        code = (int) run.invoke(null, (Object) arguments);
      } catch (InvocationTargetException e) {
        Throwable cause = e.getCause();
        boolean isUsage = cause.getClass().getName().equals("matih.ref.Args$Usage");
        System.err.println(isUsage ? cause.getMessage() : cause.getClass().getSimpleName() + ": " + cause.getMessage());
        code = isUsage ? 2 : 3;
      }
      System.out.flush();
      for (Connection connection; (connection = CONNECTIONS.poll()) != null; ) connection.close();
      answers.println(code + " " + encode(Files.readAllBytes(OUTPUT)) + " " + encode(error.toByteArray()));
      answers.flush();
    }
    // Iceberg's own threads must not keep the JVM.
    Runtime.getRuntime().halt(0);
  }

  /** Puts a stand-in in the place of each database driver, which remembers the connections that the driver opens. */
  private static void rememberConnections(ClassLoader loader) throws SQLException {
    for (Driver driver : Collections.list(DriverManager.getDrivers())) {
      DriverManager.deregisterDriver(driver);
      DriverManager.registerDriver((Driver) Proxy.newProxyInstance(loader, new Class<?>[] {Driver.class}, (proxy, method, arguments) -> {
        try {
          Object result = method.invoke(driver, arguments);
          if (result instanceof Connection connection) CONNECTIONS.add(connection);
          return result;
        } catch (InvocationTargetException e) {
          throw e.getCause();
        }
      }));
    }
  }

  /** Each text has a mark before it, so that an empty one is not lost between two spaces. */
  private static String decode(String text) {
    return new String(Base64.getDecoder().decode(text.substring(1)), StandardCharsets.UTF_8);
  }

  private static String encode(byte[] bytes) {
    return "=" + Base64.getEncoder().encodeToString(bytes);
  }

  private static void truncate(Path path) throws IOException {
    FileChannel.open(path, StandardOpenOption.WRITE).truncate(0).close();
  }
}
